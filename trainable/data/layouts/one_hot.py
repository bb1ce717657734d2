"""Labels as columns of zeros and ones, one a class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trainable.data.values import clean
from trainable.errors import InputError
from trainable.words import few

SPELLINGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "False": 0, "True": 1, "false": 0, "true": 1}
FEWEST = 3  # columns that sum to one in every row by no chance
SURE = 20  # rows in which two columns, where there are no others, are opposites by no chance


def is_binary(column: pd.Series) -> bool:
    return bool(column.map(clean).isin(list(SPELLINGS)).all())


def one_hot_columns(frame: pd.DataFrame, allowed: Sequence[str]) -> list[str]:
    """The columns that together hold a single one in every row; empty where there are no three such.

    Two will do where they are all there are, both have ones, and rows are many.
    """
    binary = [c for c in allowed if is_binary(frame[c])]
    two = len(binary) == len(allowed) == 2 and len(frame) >= SURE and bool(_ones(frame, binary).any(0).all())
    if (len(binary) < FEWEST and not two) or not (_ones(frame, binary).sum(1) == 1).all():
        return []
    return binary


def from_one_hot(frame: pd.DataFrame, columns: Sequence[str], source: object, image: pd.Series) -> pd.Series:
    """The name of the column that holds the one, of every row; InputError where a row has several labels, or none."""
    ones = _ones(frame, columns)
    wrong = np.flatnonzero(ones.sum(1) != 1)
    if len(wrong):
        named = few(f"{image.iloc[i]!r} ({int(ones[i].sum())} labels)" for i in wrong.tolist())
        raise InputError(
            f"{source}: several labels a photo, or none, in columns {', '.join(columns[:4])}: received {named}; "
            "allowed: one label a photo (multi-label tasks are not for this version)"
        )
    return pd.Series([columns[i] for i in ones.argmax(1).tolist()], index=frame.index, dtype=str)


def _ones(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    return np.stack([frame[c].map(clean).map(SPELLINGS).to_numpy(np.int64) for c in columns], axis=1)
