"""Candidates under metrics that are means over rows, and under those of which nothing is known but their value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensembles.greedy.table import Table
from trainable.metrics import Metric

BLOCK = 2**20  # cells of a candidate's rows that are computed at once


class Own:
    """A metric that looks at the label's probability alone (log loss): one cell a row is read of each member, once."""

    def __init__(self, table: Table, metric: Metric) -> None:
        assert metric.own is not None
        self.value, self.picks = metric.own, 0
        self.cells = table.own()
        self.total = np.zeros(len(table.labels))

    def alone(self) -> NDArray[np.float64]:
        return self._scores()

    def after(self, pick: int) -> NDArray[np.float64]:
        self.total += self.cells[pick]
        self.picks += 1
        return self._scores()

    def _scores(self) -> NDArray[np.float64]:
        members, rows = self.cells.shape
        step = max(1, BLOCK // rows)
        found = [
            self.value((self.total + self.cells[first : first + step]) / (self.picks + 1)).mean(axis=1)
            for first in range(0, members, step)
        ]
        return np.concatenate(found)


class Brier:
    """Minus the Brier score: of sums, only their squares and products, so a pick costs a product with each member.

    |total + p|^2 = |total|^2 + 2 total p + |p|^2, each summed over all cells.
    """

    def __init__(self, table: Table) -> None:
        self.table, self.picks = table, 0
        self.own = table.own().sum(axis=1)
        self.squares = np.array([np.vdot(m, m) for m in map(table.member, range(len(table.raw)))])
        self.products = np.zeros(len(table.raw))  # of the total with each member
        self.total_square, self.total_own = 0.0, 0.0

    def alone(self) -> NDArray[np.float64]:
        return self._scores()

    def after(self, pick: int) -> NDArray[np.float64]:
        self.total_square += 2 * self.products[pick] + self.squares[pick]
        self.total_own += self.own[pick]
        picked = self.table.member(pick)
        self.products += [float(np.vdot(self.table.member(t), picked)) for t in range(len(self.products))]
        self.picks += 1
        return self._scores()

    def _scores(self) -> NDArray[np.float64]:
        rows, picks = len(self.table.labels), self.picks + 1
        square = (self.total_square + 2 * self.products + self.squares) / picks**2
        return np.asarray((2 * (self.total_own + self.own) / picks - square) / rows - 1)


class Called:
    """Any other metric: called for the vote of every candidate."""

    def __init__(self, table: Table, metric: Metric) -> None:
        self.table, self.metric, self.picks = table, metric, 0
        self.total = np.zeros(table.raw.shape[1:])

    def alone(self) -> NDArray[np.float64]:
        return self._scores()

    def after(self, pick: int) -> NDArray[np.float64]:
        self.total += self.table.member(pick)
        self.picks += 1
        return self._scores()

    def _scores(self) -> NDArray[np.float64]:
        votes = ((self.total + self.table.member(t)) / (self.picks + 1) for t in range(len(self.table.raw)))
        return np.array([self.metric.score(self.table.labels, vote) for vote in votes])
