"""Which rows train, with which labels. Validation rows and labels are never touched."""

import hashlib
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from trainable.config.allowed import by_name, check, one_of, only, where


def is_correction(value: Any) -> bool:
    return value in ("none", "core") or (isinstance(value, str) and Path(value).is_file())


def correction_identity(value: str) -> str:
    """A file counts by its contents, not by its place."""
    return value if value in ("none", "core") else hashlib.sha256(Path(value).read_bytes()).hexdigest()


def is_rising(value: Any) -> bool:
    return _numbers(value) and all(a < b for a, b in pairwise(value))


def is_widths(value: Any) -> bool:
    return _numbers(value) and min(value) >= 0


def _numbers(value: Any) -> bool:
    good = isinstance(value, tuple) and len(value) > 0
    return good and all(isinstance(v, int | float) and math.isfinite(v) and not isinstance(v, bool) for v in value)


@dataclass(frozen=True)
class RowsConfig:
    """cuts: {column of numbers: its borders as they are in training}, where the data cut it elsewhere.

    drop: {column of numbers: for each of its borders a width}; rows with a number less than the width below the data's
    border do not train. drop_side "both" drops as far from the border on, but never the highest number there is, which
    in clipped data stands for all that are higher. corrections: none, the core list that is published for the
    competition, or a CSV (trainable/data/corrections.py).
    """

    cuts: tuple[tuple[str, tuple[float, ...]], ...] = by_name(is_rising, "its borders, rising numbers")
    drop: tuple[tuple[str, tuple[float, ...]], ...] = by_name(is_widths, "a width of 0 or more for each border")
    drop_side: str = only(lambda c: c.drop, one_of("below", "both", default="below"))
    corrections: str = where(
        is_correction, "none, core, or a CSV file that exists", default="none", identity=correction_identity
    )

    def __post_init__(self) -> None:
        check(self)
        if self.corrections not in ("none", "core"):  # workers have another working directory
            object.__setattr__(self, "corrections", str(Path(self.corrections).absolute()))
