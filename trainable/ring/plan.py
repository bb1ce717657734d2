"""What is asked of a ring."""

from dataclasses import dataclass

import numpy as np

NO_AUGMENTATION = -1


@dataclass(frozen=True, eq=False)
class Plan:
    """Batches of at most `batch_size` of the rows int64 [N], in their order. epoch: what keys their randomness."""

    epoch: int
    rows: np.ndarray
    batch_size: int

    @property
    def batches(self) -> list[np.ndarray]:
        return split(self.rows, self.batch_size)

    def same(self, other: "Plan") -> bool:
        alike = (self.epoch, self.batch_size) == (other.epoch, other.batch_size)
        return alike and np.array_equal(self.rows, other.rows)


def split(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Parts of at most `batch_size` rows, as equal as can be: a last batch of one would upset BatchNorm."""
    return np.array_split(rows, -(-len(rows) // batch_size)) if len(rows) else []
