"""Streams of batches, made in this process or by workers through a ring: the same to the bit."""

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from trainable.device import CPU, CUDA
from trainable.errors import Lost
from trainable.images.batches import Batches
from trainable.ring.plan import NO_AUGMENTATION, Plan
from trainable.ring.ring import Ring


@dataclass
class Loader:
    """Batches for training (augmented) and for prediction (not), in the order asked for.

    workers: processes that prepare them, started with the first batch, ended with the loader; 0 for none. pin: for a
    GPU, which then copies batches by itself. held: batches that are worked on at once.

    Where there are workers a batch is a view of memory that is filled anew once nobody holds it. Raises Lost where one
    of them has ended; what is asked for after that is made by others.
    """

    batches: Batches
    workers: int = 0
    pin: bool = False
    held: int = 1
    _ring: list[Ring] = field(default_factory=list)

    def train(self, rows: np.ndarray, batch_size: int, epoch: int) -> Iterator[tuple[np.ndarray, Tensor]]:
        """(rows, images uint8 [B, H, W, 3]); no row is dropped: batches differ in size by one at most."""
        return self._stream(Plan(epoch, rows, batch_size))

    def predict(self, rows: np.ndarray, batch_size: int) -> Iterator[tuple[np.ndarray, Tensor]]:
        return self._stream(Plan(NO_AUGMENTATION, rows, batch_size))

    def expect(self, *plans: Plan) -> None:
        """These will be asked for next, in this order: workers begin with them as soon as they have nothing else."""
        if self.workers:
            self._started(plans).expect(plans)

    def _stream(self, plan: Plan) -> Iterator[tuple[np.ndarray, Tensor]]:
        if not self.workers:
            for rows in plan.batches:
                images = torch.from_numpy(self.batches.make(plan.epoch, rows))
                yield rows, images.pin_memory() if self.pin else images
            return
        try:
            for rows, view in zip(plan.batches, self._started([plan]).stream(plan), strict=True):
                yield rows, torch.from_numpy(view)
        except Lost:
            self._stop()
            raise

    def _started(self, plans: Sequence[Plan]) -> Ring:
        """The ring, in which the largest batch of the first plans, and all smaller ones, find room."""
        if not self._ring:
            largest = max(plan.batch_size for plan in plans)
            pins = CUDA if self.pin else CPU
            self._ring.append(Ring(self.batches, self.workers, pins, largest=largest, held=self.held))
            self._stop = weakref.finalize(self, _close, self._ring)
        return self._ring[0]


def _close(ring: list[Ring]) -> None:
    while ring:
        ring.pop().close()
