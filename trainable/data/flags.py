"""What a user says of a data folder's columns, where the guess is to be another, and what was taken for what."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from trainable.errors import InputError

COLUMNS = ("image", "label", "group", "fold", "id")


@dataclass(frozen=True)
class Flags:
    """`--image --label --group --fold --id COLUMN`, `--drop COLUMN=VALUE[,VALUE]`; None where nothing was said.

    label: one column, or several between commas, which the label is a product of. cuts: (column of numbers, where it is
    cut, rising). order: (column, its values in order).

    image: a column of file names or ids, or the folder below which the photos lie. drop: (column, values), rows of
    which count for nothing. skip_missing: whether rows without a photo are left out instead of refused.
    merge_duplicates: whether photos that are copies of each other are made one group.
    """

    image: str | None = None
    label: str | None = None
    group: str | None = None
    fold: str | None = None
    id: str | None = None
    drop: tuple[tuple[str, tuple[str, ...]], ...] = ()
    cuts: tuple[tuple[str, tuple[float, ...]], ...] = ()
    order: tuple[tuple[str, tuple[str, ...]], ...] = ()
    skip_missing: bool = False
    merge_duplicates: bool = False

    @property
    def given(self) -> bool:
        """Whether anything was said of columns or rows."""
        return self.words() != ""

    def words(self) -> str:
        """The flags as they would be typed; empty where none was given."""
        said = [f"--{name} {getattr(self, name)}" for name in COLUMNS if getattr(self, name) is not None]
        said += [f"--drop {column}={','.join(values)}" for column, values in self.drop]
        said += [f"--cut {column}={','.join(f'{value:g}' for value in values)}" for column, values in self.cuts]
        said += [f"--order {column}={','.join(values)}" for column, values in self.order]
        return " ".join([*said, *(["--merge-duplicates"] if self.merge_duplicates else [])])


@dataclass(frozen=True)
class Taken:
    """What a data folder was read as: the flags that were given, and in sentences what was taken for what."""

    flags: Flags = field(default_factory=Flags)
    lines: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"flags": asdict(self.flags), "lines": list(self.lines)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`, of what JSON made of it."""
        flags = dict(values["flags"])
        for name in ("drop", "cuts", "order"):
            flags[name] = tuple((column, tuple(v)) for column, v in flags[name])
        return cls(Flags(**flags), tuple(values["lines"]))


def parse_drop(text: str) -> tuple[str, tuple[str, ...]]:
    """`COLUMN=VALUE[,VALUE]` as (column, values); `COLUMN=` means rows where the column is empty."""
    column, equals, values = text.partition("=")
    if not equals or not column.strip():
        raise InputError(f"--drop: received {text!r}; allowed: COLUMN=VALUE[,VALUE], or COLUMN= for empty cells")
    return column.strip(), tuple(value.strip() for value in values.split(","))


def parse_cut(text: str) -> tuple[str, tuple[float, ...]]:
    """`COLUMN=N[,N]`, rising numbers, as (column, numbers)."""
    column, _, values = text.partition("=")
    try:
        found = tuple(float(value) for value in values.split(","))
    except ValueError:
        found = ()
    if not column.strip() or not found or list(found) != sorted(set(found)) or not all(map(math.isfinite, found)):
        raise InputError(f"--cut: received {text!r}; allowed: COLUMN=N[,N], rising numbers")
    return column.strip(), found


def parse_order(text: str) -> tuple[str, tuple[str, ...]]:
    """`COLUMN=VALUE,VALUE[,VALUE]` as (column, values)."""
    column, _, values = text.partition("=")
    found = tuple(value.strip() for value in values.split(","))
    if not column.strip() or len(found) < 2 or not all(found):
        raise InputError(f"--order: received {text!r}; allowed: COLUMN=VALUE,VALUE[,VALUE], the lowest first")
    return column.strip(), found
