"""Devices to rehearse on: one that copies late, one that cannot."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
import torch

from trainable.device import Event


class Late:
    """A device that copies when it comes to it: what is written over meanwhile arrives wrong."""

    def __init__(self, late: int) -> None:
        self.late, self.asked, self.pinned = late, [], 0  # type: ignore[var-annotated]

    def pin(self, memory: np.ndarray) -> None:
        self.pinned += memory.nbytes

    def unpin(self, memory: np.ndarray) -> None:
        self.pinned -= memory.nbytes

    def copy(self, rows: np.ndarray, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, Event | None]:
        there = torch.zeros_like(images)
        # What is read is the memory, not the view of it, which whoever asked may have let go.
        source = np.frombuffer((ctypes.c_uint8 * images.numel()).from_address(images.data_ptr()), np.uint8)
        self.asked.append(Arrival(there, source, self.late))
        return torch.from_numpy(rows), there, self.asked[-1]


@dataclass
class Arrival:
    there: torch.Tensor
    source: np.ndarray
    left: int
    over: bool = False

    def query(self) -> bool:
        self.left -= 1
        if self.left <= 0:
            self.synchronize()
        return self.over

    def synchronize(self) -> None:
        if not self.over:
            self.there.copy_(torch.from_numpy(self.source).view(self.there.shape))
        self.over = True


class Failing(Late):
    """A device that cannot copy at the `at`th batch, once: its memory is full, or it is gone."""

    def __init__(self, at: int, error: type[Exception], word: str) -> None:
        super().__init__(1)
        self.at, self.error, self.word = at, error, word

    def copy(self, rows: np.ndarray, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, Event | None]:
        self.at -= 1
        if self.at == 0:
            raise self.error(self.word)
        return torch.from_numpy(rows), images.clone(), None
