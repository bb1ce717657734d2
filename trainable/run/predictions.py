"""Out-of-fold predictions as a table: of a fold, of a trial, of a vote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from trainable.files import read_npz, write_npz


@dataclass(frozen=True, eq=False)
class Predictions:
    """A row an image.

    index int64[N]: rows of the manifest, rising. probabilities float32 [N, C]. label int64[N]: original labels of
    what is predicted. fold int8[N]: the fold whose network predicted the row and never saw its group. classes: C names.
    """

    index: np.ndarray
    probabilities: np.ndarray
    label: np.ndarray
    fold: np.ndarray
    classes: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises OSError, ValueError, KeyError or zipfile.BadZipFile where the file is missing or damaged."""
        held = read_npz(path)
        return cls(held["index"], held["probabilities"], held["label"], held["fold"], tuple(held["classes"].tolist()))

    def write(self, path: Path) -> None:
        write_npz(
            path,
            index=self.index,
            probabilities=self.probabilities,
            label=self.label,
            fold=self.fold,
            classes=np.array(self.classes),
        )

    @classmethod
    def pooled(cls, folds: Sequence[Self]) -> Self:
        """The tables of several folds as one, in the order of the manifest's rows."""
        index = np.concatenate([p.index for p in folds])
        order = np.argsort(index)
        return cls(
            index[order],
            np.concatenate([p.probabilities for p in folds])[order],
            np.concatenate([p.label for p in folds])[order],
            np.concatenate([p.fold for p in folds])[order],
            folds[0].classes,
        )
