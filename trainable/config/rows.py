"""Which rows train, with which labels. Validation rows and labels are never touched."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainable.config.allowed import between, check, one_of, only, where


def is_correction(value: Any) -> bool:
    return value in ("none", "core") or (isinstance(value, str) and Path(value).is_file())


def correction_identity(value: str) -> str:
    """A file counts by its contents, not by its place."""
    return value if value in ("none", "core") else hashlib.sha256(Path(value).read_bytes()).hexdigest()


def judged_out_of_fold(value: str) -> bool:
    """Whether a corrections file is a list of ensembles.suspects whose lines are not held to a fold."""
    if value in ("none", "core"):
        return False
    with Path(value).open(encoding="utf-8-sig") as file:
        columns = file.readline().strip().split(",")
    return {"score", "agree"} <= set(columns) and "fold" not in columns


@dataclass(frozen=True)
class RowsConfig:
    """young_cut, old_cut: ages (years) from which a person trains as 30-59 and as 60 and over.

    drop_young, drop_old: people of the last so many years below 30 and below 60 do not train (3: 27-29, 57-59).
    drop_side "both" drops as many years from the border on, but never the highest age there is, which in clipped data
    stands for everyone older. corrections: none, the published core list, or a CSV (trainable/data/corrections.py).
    """

    young_cut: int = between(28, 30, default=30)
    old_cut: int = between(56, 60, default=60)
    drop_young: int = between(0, 3, default=0)
    drop_old: int = between(0, 3, default=0)
    drop_side: str = only(lambda c: c.drop_young or c.drop_old, one_of("below", "both", default="below"))
    corrections: str = where(
        is_correction, "none, core, or a CSV file that exists", default="none", identity=correction_identity
    )

    def __post_init__(self) -> None:
        check(self)
        if self.corrections not in ("none", "core"):  # workers have another working directory
            object.__setattr__(self, "corrections", str(Path(self.corrections).absolute()))
