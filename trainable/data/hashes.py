"""Images that are the same file, or look the same.

Perceptual hash: the signs of the 63 lowest frequencies of a 32 x 32 grey image (its DCT) against their median; two
images look the same when at most NEAR bits differ, or when they are equal in colour, brightness and layout but for what
compression and scaling do: 8 x 8 pixels of each differ by at most EQUAL on average.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from trainable.cache import cache_folder, state_of
from trainable.files import read_npz, write_npz
from trainable.images.decode import read_image
from trainable.progress import tracked

NEAR = 3  # bits; four bands of 16 bits then share one exactly, which finds every such pair
BANDS = 4
CROWD = 64  # images that share a band beyond which only neighbours are compared: flat pictures, not copies
EQUAL, SIDE = 1.25, 8  # levels of 255; pixels
REACH = 4.0  # levels by which quarters of such images differ at most, for finding them
FLAT = 1.0  # grey levels; what varies less has no look that tells it from other flat pictures
SEEN = (64, 64)  # pixels (height, width) from which a photo's look is told


@dataclass(frozen=True)
class Looks:
    """Of N files: digests, bytes [N] of 32; hashes, None of one that is flat or unreadable; small, uint8 [N, 8, 8, 3];
    readable, bool[N].
    """

    digests: list[bytes]
    hashes: list[int | None]
    small: np.ndarray
    readable: np.ndarray

    def equal(self, i: int, j: int) -> bool:
        """Whether two files hold the same, or have one hash."""
        return self.digests[i] == self.digests[j] or (self.hashes[i] is not None and self.hashes[i] == self.hashes[j])


def looks(root: Path, images: Sequence[str]) -> Looks:
    """What files below `root` hold and look like; each state of them is looked at once a node."""
    file = cache_folder() / f"looks-{state_of(root, images, (1, str(root)))}.npz"
    if not file.exists():
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            seen = pool.map(lambda image: _look(root / image), images)
            found = list(tracked(seen, f"look at {len(images)} images for copies", len(images)))
        write_npz(
            file,
            digests=np.frombuffer(b"".join(look[0] for look in found), np.uint8).reshape(-1, 32),
            hashes=np.array([look[1] or 0 for look in found], np.uint64),
            small=np.stack([look[2] for look in found]),
            readable=np.array([look[3] for look in found]),
        )
    table = read_npz(file)
    hashes = [int(h) or None for h in table["hashes"]]
    return Looks([bytes(d) for d in table["digests"]], hashes, table["small"], table["readable"])


def _look(path: Path) -> tuple[bytes, int | None, np.ndarray, bool]:
    digest = hashlib.sha256(path.read_bytes()).digest()
    image = read_image(path, SEEN)
    if image is None:
        return digest, None, np.zeros((SIDE, SIDE, 3), np.uint8), False
    return digest, perceptual(image), cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), True


def same(found: Looks) -> Iterator[tuple[int, int]]:
    """(i, j), i < j, of every pair of files that hold or show the same."""
    by_digest: dict[bytes, list[int]] = defaultdict(list)
    for place, digest in enumerate(found.digests):
        by_digest[digest].append(place)
    first = [places[0] for places in by_digest.values()]  # one of each content is compared by its look
    for places in by_digest.values():
        yield from pairwise(places)
    by_hash: dict[int, list[int]] = defaultdict(list)
    for place in first:
        if (value := found.hashes[place]) is not None:
            by_hash[value].append(place)
    for places in by_hash.values():
        yield from pairwise(places)
    distinct = list(by_hash)
    for a, b, _ in alike(distinct):
        i, j = by_hash[distinct[a]][0], by_hash[distinct[b]][0]
        yield min(i, j), max(i, j)
    yield from _equal_in_small(found, np.array([p for p in first if found.readable[p]], np.int64))


def together(count: int, pairs: Iterable[tuple[int, int]]) -> list[np.ndarray]:
    """Places int64[n], rising, of each set of several among `count` that pairs join."""
    found = [*pairs]
    if not found:
        return []
    one, other = zip(*found, strict=True)
    table = coo_array((np.ones(len(found)), (one, other)), shape=(count, count))
    names = connected_components(table, directed=False)[1]
    order = np.argsort(names, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(names[order])) + 1)
    return [places for places in parts if len(places) > 1]


def _equal_in_small(found: Looks, places: np.ndarray) -> Iterator[tuple[int, int]]:
    if len(places) < 2:
        return
    small = found.small[places].astype(np.float32)
    quarters = small.reshape(len(places), 2, SIDE // 2, 2, SIDE // 2, 3).mean((2, 4)).reshape(len(places), -1)
    for i, j in cKDTree(quarters).query_pairs(REACH, p=np.inf):
        if np.abs(small[i] - small[j]).mean() <= EQUAL:
            yield int(places[min(i, j)]), int(places[max(i, j)])


def perceptual(image: np.ndarray) -> int | None:
    """64 bits of RGB uint8 [H, W, 3]; None of a flat picture."""
    grey = cv2.cvtColor(cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    if grey.std() < FLAT:
        return None
    low = cv2.dct(grey.astype(np.float32))[:8, :8].ravel()
    low[0] = 0  # brightness says nothing
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def alike(hashes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(i, j, differing bits) of every pair i < j that looks the same."""
    seen = set()
    for band in range(BANDS):
        buckets: dict[int, list[int]] = defaultdict(list)
        for place, value in enumerate(hashes):
            buckets[value >> 16 * band & 0xFFFF].append(place)
        for places in buckets.values():
            for pair in pairs_among(sorted(places, key=lambda p: (hashes[p], p))):
                i, j = min(pair), max(pair)
                differ = (hashes[i] ^ hashes[j]).bit_count()
                if differ <= NEAR and (i, j) not in seen:
                    seen.add((i, j))
                    yield i, j, differ


def pairs_among(places: list[int]) -> Iterator[tuple[int, int]]:
    """Every pair of places that belong together; of a crowd only neighbours, which still name each of them."""
    if len(places) <= CROWD:
        yield from combinations(places, 2)
    else:
        yield from pairwise(places)
