"""What a batch of photos holds: cut out of the memory-mapped store, resized or augmented, row by row."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from trainable.images.augment import Augment, Augmentation, build_augment
from trainable.images.decode import resize
from trainable.images.faces import person
from trainable.ring.plan import NO_AUGMENTATION


@dataclass
class Batches:
    """Photos of the store as samples uint8 [H, W, 3]. Only this description travels to workers, never pixels.

    `place` int64[N]: the row of the store for each row of the manifest. `cuts` int32 [N store, 4] (top, bottom, left,
    right): what is cut out instead of the middle. `masks_file`: what of each photo is the person; the rest goes black.
    """

    pixels_file: Path
    place: np.ndarray
    crop: tuple[float, float]
    size: tuple[int, int]
    policy: str | Augmentation
    seed: int
    cuts: np.ndarray | None = None
    masks_file: Path | None = None

    @cached_property
    def pixels(self) -> np.ndarray:
        cv2.setNumThreads(0)  # images are small: OpenCV's threads cost more than they give
        # A plain view: indexing np.memmap itself makes an object of its own class each time.
        return np.asarray(np.load(self.pixels_file, mmap_mode="r", allow_pickle=False))

    @cached_property
    def augment(self) -> Augment:
        return build_augment(self.policy, self.seed, self.size)

    @cached_property
    def masks(self) -> np.ndarray | None:
        return None if self.masks_file is None else np.load(self.masks_file, mmap_mode="r", allow_pickle=False)

    def photo(self, place: int) -> np.ndarray:
        """The part of a photo of the store that is used, uint8 [h, w, 3], before it is resized."""
        photo = self.pixels[place]
        if self.masks is not None:
            photo = cv2.bitwise_and(photo, photo, None, person(self.masks[place], photo.shape[:2]))
        if self.cuts is None:
            return centre(photo, self.crop)
        top, bottom, left, right = self.cuts[place].tolist()
        return photo[top:bottom, left:right]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a sample."""
        return (*self.size, 3)

    def fill(self, epoch: int, rows: np.ndarray, out: np.ndarray) -> None:
        """Write the samples of rows int64 [n] into `out` uint8 [n, H, W, 3]; epoch: NO_AUGMENTATION, or its key."""
        for slot, row, place in zip(out, rows.tolist(), self.place[rows].tolist(), strict=True):
            photo = self.photo(place)
            if epoch == NO_AUGMENTATION:
                resize(photo, self.size, out=slot)
            else:
                slot[:] = self.augment(photo, epoch, row)

    def make(self, epoch: int, rows: np.ndarray) -> np.ndarray:
        """uint8 [n, H, W, 3]: samples in memory of their own."""
        out = np.empty((len(rows), *self.shape), np.uint8)
        self.fill(epoch, rows, out)
        return out

    def __getstate__(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if k not in ("pixels", "masks", "augment")}


def centre(image: np.ndarray, crop: tuple[float, float]) -> np.ndarray:
    """The middle of uint8 [H, W, 3], `crop` being its shares of height and width; a view."""
    (height, width), (down, across) = image.shape[:2], crop
    keep = max(1, round(height * down)), max(1, round(width * across))
    top, left = (height - keep[0]) // 2, (width - keep[1]) // 2
    return image[top : top + keep[0], left : left + keep[1]]
