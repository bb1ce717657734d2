"""What lies where in the memory of a ring."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from trainable.ring.memory import Mapped

SLOT_ROWS = 32  # what a worker makes at once: a few milliseconds, so that batches of one epoch end together


@dataclass(frozen=True)
class Layout:
    """`slots` times SLOT_ROWS samples uint8 [*shape], and what is to be made in each slot."""

    memory: Mapped
    slots: int
    shape: tuple[int, ...]
    workers: int

    @staticmethod
    def bytes_of(slots: int, shape: tuple[int, ...], workers: int) -> int:
        return slots * SLOT_ROWS * prod(shape) + 8 * (slots * (SLOT_ROWS + 2) + workers)

    @cached_property
    def samples(self) -> np.ndarray:
        """uint8 [slots * SLOT_ROWS, *shape]: consecutive slots are one array."""
        size = self.slots * SLOT_ROWS * prod(self.shape)
        return np.frombuffer(self.memory.map, np.uint8, size).reshape(-1, *self.shape)

    @cached_property
    def rows(self) -> np.ndarray:
        """int64 [slots, SLOT_ROWS]: the rows to be made."""
        return self._numbers[: self.slots * SLOT_ROWS].reshape(self.slots, SLOT_ROWS)

    @cached_property
    def orders(self) -> np.ndarray:
        """int64 [slots, 2]: epoch, how many rows."""
        return self._numbers[self.slots * SLOT_ROWS :][: 2 * self.slots].reshape(self.slots, 2)

    @cached_property
    def busy(self) -> np.ndarray:
        """int64 [workers]: 1 + the slot that a worker is at, 0 for none."""
        return self._numbers[self.slots * (SLOT_ROWS + 2) :]

    @cached_property
    def _numbers(self) -> np.ndarray:
        return np.frombuffer(self.memory.map, np.int64, offset=self.slots * SLOT_ROWS * prod(self.shape))

    def __getstate__(self) -> dict:
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    def batch(self, slot: int, rows: int) -> np.ndarray:
        """uint8 [rows, *shape] from a slot on. Every view of it keeps its base, an array of its own, alive."""
        of_row = prod(self.shape)
        flat = np.frombuffer(self.memory.map, np.uint8, rows * of_row, slot * SLOT_ROWS * of_row)
        return flat.reshape(rows, *self.shape)


def slots_of(rows: int) -> int:
    """How many slots a batch of so many rows takes."""
    return -(-rows // SLOT_ROWS)
