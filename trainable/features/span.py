"""Fewer rows than features: the rows written in coordinates of their own span, where heads in closed form cost less.

Class means lie in the span of the training rows, and a covariance of these rows, shrunk towards a multiple of the
identity, maps the span to itself. So do its inverse and what it makes of the means: the head found in the span is the
head found among all features, to rounding. Each solve costs n^3 instead of D^3.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import qr

from trainable.features.closed import Linear
from trainable.features.table import FeatureTable


@dataclass(frozen=True, eq=False)
class Span:
    """basis: float64 [D, n], orthonormal. table: the rows in its coordinates [n], those outside of the span too."""

    basis: np.ndarray
    table: FeatureTable

    @classmethod
    def of(cls, table: FeatureTable, rows: np.ndarray) -> Self | None:
        """Of the rows int64[n] of a table of D features; None where they are as many as these or more."""
        if not 0 < len(rows) < table.width:
            return None
        basis = qr(table.rows(rows, np.float64).T, mode="economic", check_finite=False)[0]
        within = np.empty((len(table.place), len(rows)))
        for some, values in table.stream(np.arange(len(table.place))):
            within[some] = values @ basis
        return cls(basis, FeatureTable([within], np.arange(len(within))))

    def outside(self, head: Linear) -> Linear:
        """A head of the span's coordinates as one of all features."""
        return Linear(head.weight @ self.basis.T, head.bias)
