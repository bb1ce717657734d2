"""Batches of uint8 images, assembled in one buffer each, from the memory-mapped store.

A request (epoch, rows) is an index of the data set below, which answers with a whole batch. So what a batch holds
depends on its request alone, and torch's DataLoader is only the transport between processes, where there are workers.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from trainable.images.augment import Augment, Augmentation, build_augment
from trainable.images.decode import resize
from trainable.images.faces import person

Request = tuple[int, np.ndarray]
NO_AUGMENTATION = -1


@dataclass
class Batches(Dataset):
    """Answers a request with uint8 [B, H, W, 3]. Only its description travels to workers, never pixels.

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

    def __getitem__(self, request: Request) -> torch.Tensor:
        epoch, rows = request
        batch = np.empty((len(rows), *self.size, 3), np.uint8)
        for slot, row, place in zip(batch, rows.tolist(), self.place[rows].tolist(), strict=True):
            photo = self.photo(place)
            if epoch == NO_AUGMENTATION:
                resize(photo, self.size, out=slot)
            else:
                slot[:] = self.augment(photo, epoch, row)
        return torch.from_numpy(batch)

    def __getstate__(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if k not in ("pixels", "masks", "augment")}


def centre(image: np.ndarray, crop: tuple[float, float]) -> np.ndarray:
    """The middle of uint8 [H, W, 3], `crop` being its shares of height and width; a view."""
    (height, width), (down, across) = image.shape[:2], crop
    keep = max(1, round(height * down)), max(1, round(width * across))
    top, left = (height - keep[0]) // 2, (width - keep[1]) // 2
    return image[top : top + keep[0], left : left + keep[1]]


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
        if not self.workers:
            for request in plan:
                images = self.batches[request]
                yield request[1], images.pin_memory() if self.pin else images
            return
        self._plan[:] = plan
        for (_, rows), images in zip(plan, self._transport, strict=True):
            yield rows, images

    @cached_property
    def _transport(self) -> DataLoader:
        return DataLoader(
            self.batches,
            batch_size=None,
            sampler=self._plan,  # read anew each epoch
            num_workers=self.workers,
            pin_memory=self.pin,
            generator=torch.Generator(),  # torch's own stays untouched: dropout must not depend on the workers
            multiprocessing_context="spawn",  # no fork: it hangs inside Ray's actors
            worker_init_fn=_die_with_parent,
            persistent_workers=True,  # for the whole trial, since starting one takes seconds
            prefetch_factor=4,
        )


def split(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Parts of at most `batch_size` rows, as equal as can be: a last batch of one would upset BatchNorm."""
    return np.array_split(rows, -(-len(rows) // batch_size)) if len(rows) else []


def _die_with_parent(worker: int) -> None:
    """Have Linux kill this worker when its parent dies: torch's own watch can hang on a full queue."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:  # it died while this worker was starting
            os._exit(1)
