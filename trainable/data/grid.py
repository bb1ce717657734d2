"""Classes as cells of a grid that has an axis for each attribute."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """sizes: how many values each of A attributes has, empty where classes are no products.

    cells: where each of C classes lies in the grid, counted with the last attribute running fastest; empty where every
    cell is a class. Products that no photo shows are no classes.
    """

    sizes: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()

    @classmethod
    def of(cls, given: "Sequence[int] | Grid") -> Self:
        """A grid as it is; bare sizes are a grid without gaps."""
        return cls(given.sizes, given.cells) if isinstance(given, Grid) else cls(tuple(given))

    def __len__(self) -> int:
        """How many attributes there are."""
        return len(self.sizes)

    @property
    def classes(self) -> int:
        return len(self.cells) or math.prod(self.sizes)

    @property
    def places(self) -> NDArray[np.int64]:
        """int64[C]: the cell of each class."""
        return np.array(self.cells, np.int64) if self.cells else np.arange(math.prod(self.sizes))

    def decode(self, labels: Any) -> tuple[NDArray[np.int64], ...]:
        """Labels int64[N] to the value of each attribute, A times int64[N]."""
        cells = np.asarray(labels, np.int64)
        return np.unravel_index(self.places[cells] if self.cells else cells, self.sizes)

    def encode(self, values: Sequence[Any]) -> NDArray[np.int64]:
        """The inverse, A times int64[N] to labels int64[N]; -1 where the product is no class."""
        cells = np.ravel_multi_index([np.asarray(v, np.int64) for v in values], self.sizes).astype(np.int64)
        if not self.cells:
            return cells
        number = np.full(math.prod(self.sizes), -1, np.int64)
        number[self.places] = np.arange(len(self.cells))
        return number[cells]

    def spread(self, of_classes: NDArray[Any]) -> NDArray[Any]:
        """[..., C] to [..., *sizes], 0 in cells that are no class."""
        shape = of_classes.shape[:-1]
        if self.cells:
            whole = np.zeros((*shape, math.prod(self.sizes)), of_classes.dtype)
            whole[..., self.places] = of_classes
            of_classes = whole
        return of_classes.reshape(*shape, *self.sizes)

    def gathered(self, of_cells: NDArray[Any]) -> NDArray[Any]:
        """The inverse, [..., *sizes] to [..., C]."""
        flat = of_cells.reshape(*of_cells.shape[: of_cells.ndim - len(self.sizes)], -1)
        return flat[..., self.places] if self.cells else flat

    def marginal(self, probabilities: NDArray[Any], axis: int, **options: Any) -> NDArray[Any]:
        """What probabilities [..., C] say of one attribute, [..., sizes[axis]]; options: of numpy's sum."""
        first = probabilities.ndim - 1
        others = tuple(first + other for other in range(len(self.sizes)) if other != axis)
        return np.asarray(self.spread(probabilities).sum(axis=others, **options))
