"""What closed-form heads need to know of the rows: counts, sums and Gram matrices of every part and class.

A head is fitted on parts: on all but a fold, on all but a fold and an inner part. Its statistics are sums of those of
its parts, with classes weighed as it likes; no row is read again.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from trainable.data.pseudo_labels import SoftLabels
from trainable.features.table import FeatureTable

LARGE = 1.5e9  # bytes of Gram matrices beyond which they are kept as float32; they are summed as float64


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of weighted rows: counts float64[C], sums float64[C, D], gram float64[D, D] (the sum of x x').

    width: how many features there are, D unless the rows are written in fewer coordinates (trainable.features.span).
    """

    counts: np.ndarray
    sums: np.ndarray
    gram: np.ndarray
    width: int

    @property
    def total(self) -> float:
        """The weight of all rows together."""
        return float(self.counts.sum())

    @property
    def means(self) -> np.ndarray:
        """float64[C, D], of each class; zeros for a class without rows."""
        return self.sums / np.maximum(self.counts, 1e-300)[:, None]

    @property
    def mean(self) -> np.ndarray:
        """float64[D]."""
        return self.sums.sum(0) / self.total

    @cached_property
    def within(self) -> np.ndarray:
        """float64[D, D]: the mean over rows of the covariance around their class's mean."""
        return self.gram / self.total - (self.means.T * (self.counts / self.total)) @ self.means

    @cached_property
    def scatter(self) -> np.ndarray:
        """float64[D, D]: the covariance of all rows, times their weight."""
        return self.gram - self.total * np.outer(self.mean, self.mean)


@dataclass(frozen=True, eq=False)
class Moments:
    """counts float64[P, C], sums float64[P, C, D]; grams float [P, G, D, D], G being C where classes are told apart.

    Where they are not (G = 1), all classes must be weighed alike. width: as in Statistics.
    """

    counts: np.ndarray
    sums: np.ndarray
    grams: np.ndarray
    width: int
    _last: list[Any] = field(default_factory=lambda: [(), None], repr=False)

    @classmethod
    def of(
        cls,
        table: FeatureTable,
        labels: np.ndarray,
        part: np.ndarray,
        classes: int,
        *,
        by_class: bool = False,
        counted: np.ndarray | None = None,
        width: int | None = None,
        soft: SoftLabels | None = None,
    ) -> Self:
        """Of the rows of a table with labels int64[N] (-1: left out) in parts int64[N], numbered from 0.

        counted: float64[N] of 0 or more, how much each row counts (None: 1). soft: rows that count for several classes,
        by their shares, whatever their labels are. Rows are streamed: memory does not depend on N.
        """
        if soft is not None:
            labels = labels.copy()
            labels[soft.rows] = -1
        parts, kinds = int(part.max()) + 1, classes if by_class else 1
        columns = table.width
        dtype = np.float32 if parts * kinds * columns**2 * 8 > LARGE else np.float64
        counts, sums = np.zeros((parts, classes)), np.zeros((parts, classes, columns))
        grams = np.zeros((parts, kinds, columns, columns), dtype)
        for rows, values in table.stream(np.flatnonzero(labels >= 0)):
            cells = part[rows] * classes + labels[rows]
            order = np.argsort(cells, kind="stable")
            values, weight = values[order], np.ones(len(rows)) if counted is None else counted[rows[order]]
            weighed = values if counted is None else values * weight[:, None]
            cells, starts, lengths = np.unique(cells[order], return_index=True, return_counts=True)
            for cell, first, count in zip(cells.tolist(), starts.tolist(), lengths.tolist(), strict=True):
                mine, (p, c) = slice(first, first + count), divmod(cell, classes)
                counts[p, c] += weight[mine].sum()
                sums[p, c] += weighed[mine].sum(0)
                if by_class:
                    grams[p, c] += values[mine].T @ weighed[mine]
            for p in np.unique(cells // classes).tolist() if not by_class else ():
                ends = np.flatnonzero(cells // classes == p)
                mine = slice(starts[ends[0]], starts[ends[-1]] + lengths[ends[-1]])
                grams[p, 0] += values[mine].T @ weighed[mine]
        if soft is not None:
            for rows, values in table.stream(soft.rows):
                shares = soft.shares[np.searchsorted(soft.rows, rows)].astype(np.float64)
                if counted is not None:
                    shares *= counted[rows, None]
                for p in np.unique(part[rows]).tolist():
                    here, own = values[part[rows] == p], shares[part[rows] == p]
                    counts[p] += own.sum(0)
                    sums[p] += own.T @ here
                    for kind, share in enumerate(own.T if by_class else own.sum(1)[None]):
                        grams[p, kind] += (here.T * share) @ here
        return cls(counts, sums, grams, width or columns)

    def without(self, *parts: int, weights: np.ndarray | None = None) -> Statistics:
        """Of all parts but these; `weights` float64[C] multiply the rows of a class."""
        kept = [p for p in range(len(self.counts)) if p not in parts]
        counts, sums, grams = self.counts[kept].sum(0), self.sums[kept].sum(0), self._grams_of(tuple(kept))
        if weights is None:
            weights = np.ones(len(counts))
        alike = len(set(weights[counts > 0].tolist())) <= 1
        assert alike or len(grams) == len(counts), "classes are not told apart"
        factors = weights if len(grams) == len(counts) else weights[counts > 0][:1]
        gram = np.tensordot(factors, grams, 1)
        return Statistics(counts * weights, sums * weights[:, None], gram, self.width)

    def _grams_of(self, parts: tuple[int, ...]) -> np.ndarray:
        """float64 [G, D, D] of these parts together; the last answer is kept: heads may differ in weights alone."""
        if self._last[0] != parts:
            self._last[:] = [(), None]  # before the next takes its memory
            self._last[:] = [parts, _sum([self.grams[p] for p in parts])]
        return self._last[1]


def _sum(arrays: list[np.ndarray]) -> np.ndarray:
    """float64, one after another: no copy of them all."""
    found = np.zeros(arrays[0].shape)
    for one in arrays:
        found += one
    return found
