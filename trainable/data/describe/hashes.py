"""Images that are the same file, or look the same.

Perceptual hash: the signs of the 63 lowest frequencies of a 32 x 32 grey image (its DCT) against their median; two
images look the same when at most NEAR bits differ.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise

import cv2
import numpy as np

NEAR = 3  # bits; four bands of 16 bits then share one exactly, which finds every such pair
BANDS = 4
CROWD = 64  # images that share a band beyond which only neighbours are compared: flat pictures, not copies


def perceptual(image: np.ndarray) -> int:
    """64 bits of RGB uint8 [H, W, 3]."""
    grey = cv2.cvtColor(cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    low = cv2.dct(grey.astype(np.float32))[:8, :8].ravel()
    low[0] = 0  # brightness says nothing
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def alike(hashes: list[int]) -> Iterator[tuple[int, int, int]]:
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
