"""What classes are made of, where a label is a product of columns: names, values, order, borders.

It comes with the data: a layout describes it, the manifest carries it, a run records it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from trainable.data.grid import Grid
from trainable.errors import InputError


@dataclass(frozen=True)
class Attribute:
    """A column that classes are made of.

    values: names of what it takes, in order. ordered: whether that order means something, so that an ordinal head fits.
    cuts: of a column of numbers, where it is cut, rising: value k + 1 begins at cuts[k]; the manifest then keeps the
    numbers (float64), and of other attributes the places among `values` (int64). limits: what numbers can be.
    """

    name: str
    values: tuple[str, ...]
    ordered: bool = False
    cuts: tuple[float, ...] = ()
    limits: tuple[float, float] | None = None

    def codes(self, column: pd.Series | np.ndarray, cuts: Sequence[float] = ()) -> np.ndarray:
        """Values int64[N] of the manifest's column; cuts: borders in place of the attribute's own."""
        if not self.cuts:
            return np.asarray(column, np.int64)
        numbers, found = np.asarray(column), np.zeros(len(column), np.int64)
        for border in cuts or self.cuts:
            found += numbers >= border
        return found


@dataclass(frozen=True)
class Swap:
    """A mistake in which photos of a group have changed places: what corrections call `swap,WORD`.

    column: the attribute of which two values, by their places, are then exchanged.
    """

    word: str
    column: str
    values: tuple[int, int]


@dataclass(frozen=True)
class Attributes:
    """The columns that classes are products of, in the order in which they make the class; none for plain labels.

    cells: see `Grid`. swaps: what may have been exchanged within a group.
    """

    parts: tuple[Attribute, ...] = ()
    cells: tuple[int, ...] = ()
    swaps: tuple[Swap, ...] = field(default=())

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, name: str) -> Attribute:
        """By name; InputError where there is none of it."""
        for part in self.parts:
            if part.name == name:
                return part
        raise InputError(f"received attribute {name}; allowed: {', '.join(self.names) or 'none, labels are plain'}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts)

    @cached_property
    def grid(self) -> Grid:
        return Grid(tuple(len(part.values) for part in self.parts), self.cells)

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        """{name: its values}."""
        return {part.name: part.values for part in self.parts}

    def classes(self) -> tuple[str, ...]:
        """A name for each class: its values, joined by blanks, or by slashes where blanks would leave two alike."""
        each = [[self.parts[a].values[v] for a, v in enumerate(values)] for values in self._values_of_classes()]
        names = tuple(" ".join(words) for words in each)
        return names if len(set(names)) == len(names) else tuple(" / ".join(words) for words in each)

    def decode(self, labels: Any) -> dict[str, np.ndarray]:
        """Labels int64[N] to {attribute: int64[N]}."""
        return dict(zip(self.names, self.grid.decode(labels), strict=True)) if self.parts else {}

    def encode(self, frame: pd.DataFrame, cuts: dict[str, tuple[float, ...]] | None = None) -> np.ndarray:
        """Labels int64[N] of the manifest's columns, -1 where the product is no class; cuts: moved borders."""
        moved = cuts or {}
        return self.grid.encode([part.codes(frame[part.name], moved.get(part.name, ())) for part in self.parts])

    def _values_of_classes(self) -> list[list[int]]:
        return np.stack(self.grid.decode(np.arange(self.grid.classes)), axis=1).tolist()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`, of what JSON made of it."""
        parts = tuple(
            Attribute(
                part["name"],
                tuple(part["values"]),
                part["ordered"],
                tuple(part["cuts"]),
                None if part["limits"] is None else tuple(part["limits"]),
            )
            for part in values["parts"]
        )
        swaps = tuple(Swap(s["word"], s["column"], tuple(s["values"])) for s in values["swaps"])
        return cls(parts, tuple(values["cells"]), swaps)


PLAIN = Attributes()
