"""Candidates under a metric of counts: a row is read again only where some member could change its winner.

A row is read only in the classes that can still win (`kernels.open_rows`); credit and predictions of each class are
updated, never recounted. Both are bounds that hold for every member, found anew from the running sum after each pick,
so a settled row opens again when it must.

Memory beside the input: 8 % of its size, and about 40 bytes for each of N x C cells. Memory-mapped input is read in
place, row block by row block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensembles.greedy.kernels import add_member, open_rows, place_entries, try_members
from ensembles.greedy.table import Table, in_row_ranges
from trainable.metrics import Metric

COLUMNS_SHARE = 0.08  # of the input's size, for copies of the cells that matter


class Counted:
    """The picks so far, and the columns of the cells that later picks may still turn on."""

    def __init__(self, table: Table, metric: Metric) -> None:
        self.metric = metric
        members, rows, classes = table.raw.shape
        self.table = table
        self.total = np.zeros((rows, classes))
        self.top = np.zeros(rows, np.int64)
        self.rows, self.starts = np.empty(rows, np.int64), np.empty(rows + 1, np.int64)
        self.kept, self.slots = np.empty(rows * classes, np.int64), np.empty(rows * classes, np.int64)
        self.sums = np.empty(rows * classes)
        room = int(table.raw.nbytes * COLUMNS_SHARE / (members * table.low.itemsize))
        self.columns = np.empty((room, members), table.low.dtype)
        self.place = np.full((rows, classes), -1, np.int32)
        self.used = 0

    def alone(self) -> NDArray[np.float64]:
        return self.table.scores(self.table.counts, self.metric)

    def after(self, pick: int) -> NDArray[np.float64]:
        return self.table.scores(self._with_each_member(pick), self.metric)

    def _with_each_member(self, pick: int) -> NDArray[np.int64]:
        """Adds `pick`; credit and predictions int64[2, C, T] of the vote that each further member would give."""
        table = self.table
        members, _, classes = table.raw.shape
        now = np.empty((2, classes), np.int64)
        add_member(table.raw, table.half, pick, table.labels, table.power, self.total, self.top, now)
        lists = (self.rows, self.starts, self.kept)
        found = open_rows(self.total, self.top, table.low, table.high, *lists, self.sums)
        fresh, self.used = place_entries(*lists, found, self.place, self.used, len(self.columns), self.slots)

        def attempt(first: int, last: int, counts: NDArray[np.int64]) -> None:
            source = (table.raw, table.half, table.labels, table.power, self.top)
            try_members(*source, *lists, self.sums, self.slots, fresh, self.columns, first, last, counts)

        return now[:, :, None] + in_row_ranges(attempt, found, members, classes)[0]
