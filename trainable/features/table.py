"""Features of several frozen networks side by side, for rows of whoever asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

STREAMED = 2**23  # numbers that are held at once


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """blocks: float16 [P, D_i] mapped, one a network. place: int64[N], the row of the blocks of each of our N rows."""

    blocks: Sequence[np.ndarray]
    place: np.ndarray

    @property
    def width(self) -> int:
        """D, of all networks together."""
        return sum(block.shape[1] for block in self.blocks)

    def rows(self, rows: np.ndarray, dtype: type = np.float32) -> np.ndarray:
        """Features [n, D] of these rows int64[n]."""
        found: np.ndarray = np.empty((len(rows), self.width), dtype)
        first, place = 0, self.place[rows]
        for block in self.blocks:
            found[:, first : first + block.shape[1]] = block[place]
            first += block.shape[1]
        return found

    def stream(self, rows: np.ndarray, dtype: type = np.float64) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(rows int64[n], features [n, D]) of these rows, as many at a time as fit a fixed memory."""
        step = max(1, STREAMED // self.width)
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            yield some, self.rows(some, dtype)
