"""Greedy ensemble selection with replacement on macro-F1: exact, and without a metric call per candidate.

Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004. Starting from nothing, the member
whose addition gives the best vote is added, `size` times; the best prefix of the picks is kept.

What "exact" means, to the last tie:
- The vote of picks m1..mk on row n is the class with the largest total[n, c] = ((p[m1] + p[m2]) + ...) + p[mk],
  summed in float64 in the order of the picks; among equal classes the lowest. (Sums of float16 and float32
  probabilities of 2**-23 and more are exact in float64 for up to 64 picks, so there the order does not matter.)
- Candidates whose macro-F1 differ by at most 1e-12 are tied: the same fraction summed in another order differs
  by 1e-16, and without the tolerance renaming the classes would change the picks. Ties go to members already
  picked, then to the lowest index. A longer prefix must be better than a shorter one by more than that.

What makes it fast: a row is read again only if some member could change its winner, and then only in the
classes that can still win (`kernels.open_rows`); hits and predictions per class are updated, never
recounted. Both are bounds that hold for every member, found anew from the running sum after each pick, so a
settled row opens again when it must.

Memory beside the input: 8 % of its size, and about 40 bytes for each of N x C cells. Memory-mapped input is read in
place, row block by row block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensembles.greedy.kernels import add_member, open_rows, place_entries, try_members
from ensembles.greedy.table import Table, in_row_ranges
from ensembles.metric import MACRO_F1, check_metric

TIE = 1e-12
COLUMNS_SHARE = 0.08  # of the input's size, for copies of the cells that matter


@dataclass(frozen=True)
class Selection:
    """A vote of T members.

    counts: int64[T], how often each was picked. weights: float64[T], counts over their sum. path: the picks in order,
    as indices of members. score: the metric of the vote on the rows it was selected on.
    """

    counts: NDArray[np.int64]
    weights: NDArray[np.float64]
    path: list[int]
    score: float


def greedy_selection(
    probabilities: NDArray[Any], labels: ArrayLike, size: int = 50, metric: str = MACRO_F1
) -> Selection:
    """Select members of probabilities [T, N, C] (float16, 32 or 64, also a memmap) for labels int[N].

    size: most picks. metric: what is made as high as possible. Raises InputError for a metric that is not known, and
    ValueError for a size below 1 or for arrays that do not fit together or hold no probabilities.
    """
    check_metric(metric)
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    table = Table.read(probabilities, labels)
    vote = _Vote(table)
    counts = table.counts  # step 1: every member alone
    picked = np.zeros(counts.shape[2], bool)
    path: list[int] = []
    scores: list[float] = []
    while len(path) < size:
        score = table.scores(counts)
        tied = score >= score.max() - TIE
        pick = int(np.argmax(tied & picked if (tied & picked).any() else tied))
        path.append(pick)
        scores.append(float(score[pick]))
        picked[pick] = True
        if len(path) == size or scores[-1] >= 1.0 - TIE:  # nothing later can be better
            break
        counts = vote.with_each_member(pick)
    kept = next(k for k, score in enumerate(scores, 1) if score >= max(scores) - TIE)
    chosen = np.bincount(path[:kept], minlength=len(picked)).astype(np.int64)
    return Selection(chosen, chosen / kept, path[:kept], scores[kept - 1])


class _Vote:
    """The picks so far, and the columns of the cells that later picks may still turn on."""

    def __init__(self, table: Table) -> None:
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

    def with_each_member(self, pick: int) -> NDArray[np.int64]:
        """Adds `pick`; hits and predictions int64[2, C, T] of the vote that each further member would give."""
        table = self.table
        members, _, classes = table.raw.shape
        now = np.empty((2, classes), np.int64)
        add_member(table.raw, table.half, pick, table.labels, self.total, self.top, now)
        lists = (self.rows, self.starts, self.kept)
        found = open_rows(self.total, self.top, table.low, table.high, *lists, self.sums)
        fresh, self.used = place_entries(*lists, found, self.place, self.used, len(self.columns), self.slots)

        def attempt(first: int, last: int, counts: NDArray[np.int64]) -> None:
            source = (table.raw, table.half, table.labels, self.top)
            try_members(*source, *lists, self.sums, self.slots, fresh, self.columns, first, last, counts)

        return now[:, :, None] + in_row_ranges(attempt, found, members, classes)[0]
