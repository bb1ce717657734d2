"""Batches of uint8 images, assembled in one buffer each, from the memory-mapped store.

torch's DataLoader does the transport: a request (epoch, rows) is an index of the data set below, which answers with a
whole batch. So workers never see single samples, and what a batch holds depends on its request alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from trainable.augment import Augment, build_augment

Request = tuple[int, np.ndarray]
NO_AUGMENTATION = -1


@dataclass
class Batches(Dataset):
    """Answers a request with uint8 [B, H, W, 3]. Only its description travels to workers, never pixels.

    `place` int64[N]: the row of the store for each row of the manifest.
    """

    pixels_file: Path
    place: np.ndarray
    crop: tuple[float, float]
    size: tuple[int, int]
    policy: str
    seed: int

    @cached_property
    def pixels(self) -> np.ndarray:
        return np.load(self.pixels_file, mmap_mode="r", allow_pickle=False)

    @cached_property
    def augment(self) -> Augment:
        cv2.setNumThreads(0)  # images are small: OpenCV's threads cost more than they give
        return build_augment(self.policy, self.seed)

    def __getitem__(self, request: Request) -> torch.Tensor:
        epoch, rows = request
        batch = np.empty((len(rows), *self.size, 3), np.uint8)
        for image, row in zip(batch, rows.tolist(), strict=True):
            source = resize(centre(self.pixels[self.place[row]], self.crop), self.size)
            image[:] = source if epoch == NO_AUGMENTATION else self.augment(source, epoch, row)
        return torch.from_numpy(batch)

    def __getstate__(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if k not in ("pixels", "augment")}


def centre(image: np.ndarray, crop: tuple[float, float]) -> np.ndarray:
    """The middle of uint8 [H, W, 3], `crop` being its shares of height and width; a view."""
    (height, width), (down, across) = image.shape[:2], crop
    keep = max(1, round(height * down)), max(1, round(width * across))
    top, left = (height - keep[0]) // 2, (width - keep[1]) // 2
    return image[top : top + keep[0], left : left + keep[1]]


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [h, w, 3] to uint8 [*size, 3]; areas are averaged when it shrinks."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] < image.shape[0] or size[1] < image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


@dataclass
class Loader:
    """Streams batches for training (augmented) and for prediction (not), in the order asked for."""

    batches: Batches
    workers: int = 0
    pin: bool = False
    _plan: list[Request] = field(default_factory=list)

    def train(self, rows: np.ndarray, batch_size: int, epoch: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """(rows, images uint8 [B, H, W, 3]); no row is dropped: batches differ in size by one at most."""
        return self._stream([(epoch, part) for part in split(rows, batch_size)])

    def predict(self, rows: np.ndarray, batch_size: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        return self._stream([(NO_AUGMENTATION, part) for part in split(rows, batch_size)])

    def _stream(self, plan: list[Request]) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        self._plan[:] = plan
        for (_, rows), images in zip(plan, self._transport, strict=True):
            yield rows, images

    @cached_property
    def _transport(self) -> DataLoader:
        # No fork: it hangs inside Ray's actors. Workers stay for the whole trial, since starting one takes seconds.
        several: dict[str, Any] = {"multiprocessing_context": "spawn", "persistent_workers": True, "prefetch_factor": 4}
        return DataLoader(
            self.batches,
            batch_size=None,
            sampler=self._plan,  # read anew each epoch
            num_workers=self.workers,
            pin_memory=self.pin,
            **(several if self.workers else {}),
        )


def split(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Parts of at most `batch_size` rows, as equal as can be: a last batch of one would upset BatchNorm."""
    return np.array_split(rows, -(-len(rows) // batch_size)) if len(rows) else []
