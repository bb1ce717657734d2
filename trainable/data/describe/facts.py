"""Look at every image of a data folder once."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trainable.data.flags import Flags
from trainable.data.folds import Folds, make_folds
from trainable.data.hashes import alike, pairs_among, perceptual
from trainable.data.layouts import NO_FLAGS, read_manifest, read_test
from trainable.data.manifest import Manifest
from trainable.errors import InputError
from trainable.files import digest
from trainable.images.decode import read_image
from trainable.progress import tracked

WITHIN, ACROSS, EVAL = "within a group", "across groups", "between train and eval"


@dataclass(frozen=True)
class Photo:
    """`digest`: SHA-256 of the file. `size` (height, width), `hash` and `sums` are of the decoded image."""

    digest: str
    size: tuple[int, int] | None
    hash: int | None  # None of a flat or unreadable one
    sums: np.ndarray  # float64 [2, 3]: mean and mean square of the channels, 0..1


@dataclass(frozen=True)
class Pair:
    """Two images that are the same file (`bits` 0 and `same`), or look the same."""

    first: str
    second: str
    where: str  # WITHIN, ACROSS or EVAL
    same: bool
    bits: int


@dataclass(frozen=True)
class NearPair:
    """Two images that a network takes for nearly the same; `cosine` of their features."""

    first: str
    second: str
    where: str  # WITHIN, ACROSS or EVAL
    cosine: float


@dataclass(frozen=True)
class Seen:
    """What a network added. by: which, and whose weights, or why none. pairs: the nearest first.

    unlike: (image, its file, mean cosine to the nearest of other groups), those like no other first.
    """

    by: str
    pairs: list[NearPair] = field(default_factory=list)
    unlike: list[tuple[str, Path, float]] = field(default_factory=list)

    def count(self, where: str) -> int:
        return sum(p.where == where for p in self.pairs)


@dataclass(frozen=True)
class DataLook:
    """`images` are those of the manifest, then those to predict; `test`: how many the latter are."""

    manifest: Manifest
    folds: Folds | None
    no_folds: str
    images: list[str]
    photos: list[Photo]
    test: int
    test_root: Path
    pairs: list[Pair]
    seed: int
    seen: Seen | None = None

    @property
    def files(self) -> list[Path]:
        count = len(self.images) - self.test
        return [(self.manifest.root if i < count else self.test_root) / name for i, name in enumerate(self.images)]

    @property
    def unreadable(self) -> list[str]:
        return [name for name, photo in zip(self.images, self.photos, strict=True) if photo.size is None]

    @property
    def pixel_statistics(self) -> np.ndarray:
        """float64 [2, 3]: mean and standard deviation of the channels over the training images, 0..1."""
        mean, square = np.mean([p.sums for p in self.photos[: len(self.manifest.frame)] if p.size], axis=0)
        return np.array([mean, np.sqrt(square - mean**2)])

    def count(self, where: str, *, same: bool) -> int:
        return sum(p.where == where and p.same == same for p in self.pairs)


def look(data: Path, *, folds: int, seed: int, flags: Flags = NO_FLAGS) -> DataLook:
    """Read, hash and measure all images; InputError when the folder has no known layout."""
    manifest = read_manifest(data, flags)
    train = manifest.frame["image"].astype(str).tolist()
    root, test = _test_images(data, manifest, flags)
    files = [manifest.root / name for name in train] + [root / name for name in test]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # one image a thread
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            photos = list(tracked(pool.map(_photo, files), f"look at {len(files)} images", len(files)))
    finally:
        cv2.setNumThreads(threads)
    made, problem = None, ""
    try:
        made = make_folds(manifest, folds, seed)
    except InputError as error:
        problem = str(error)
    owners = manifest.frame["group"].astype(str).tolist() + [None] * len(test)
    pairs = sorted(_pairs([*train, *test], photos, owners), key=lambda p: (not p.same, p.bits, p.first))
    return DataLook(manifest, made, problem, [*train, *test], photos, len(test), root, pairs, seed)


def _test_images(data: Path, manifest: Manifest, flags: Flags) -> tuple[Path, list[str]]:
    try:
        test = read_test(data, manifest.classes, flags)
    except InputError:  # a test table that cannot be read yet is no reason not to look at the rest
        test = None
    return (test.root, list(test.images)) if test else (manifest.root, [])


def _photo(path: Path) -> Photo:
    held = digest(path)
    image = read_image(path)
    if image is None:
        return Photo(held, None, None, np.zeros((2, 3)))
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA) if min(image.shape[:2]) > 64 else image
    whole = small.reshape(-1, 3) / 255
    return Photo(held, image.shape[:2], perceptual(image), np.array([whole.mean(0), (whole**2).mean(0)]))


def where_of(owners: list[Any], i: int, j: int) -> str:
    """How images i and j of these groups (None: to predict) belong together."""
    if owners[i] is None or owners[j] is None:
        return EVAL if owners[i] is not owners[j] else WITHIN
    return WITHIN if owners[i] == owners[j] else ACROSS


def _pairs(images: list[str], photos: list[Photo], owners: list[Any]) -> Iterable[Pair]:
    copies = defaultdict(list)
    for place, photo in enumerate(photos):
        copies[photo.digest].append(place)
    for places in copies.values():
        for i, j in pairs_among(places):
            yield Pair(images[i], images[j], where_of(owners, i, j), True, 0)
    readable = [place for place, photo in enumerate(photos) if photo.hash is not None]
    for a, b, bits in alike([photo.hash for photo in photos if photo.hash is not None]):
        i, j = readable[a], readable[b]
        if photos[i].digest != photos[j].digest:
            yield Pair(images[i], images[j], where_of(owners, i, j), False, bits)


def sizes(facts: DataLook) -> Counter:
    return Counter("x".join(map(str, p.size)) if p.size else "unreadable" for p in facts.photos)


def extensions(facts: DataLook) -> Counter:
    return Counter(Path(name).suffix.lower() or "none" for name in facts.images)
