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
classes that can still win (`candidates.open_rows`); hits and predictions per class are updated, never
recounted. Both are bounds that hold for every member, found anew from the running sum after each pick, so a
settled row opens again when it must.

Memory beside the input: 8 % of its size, and about 40 bytes for each of N x C cells. Memory-mapped input is read in
place, row block by row block.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensembles.greedy.kernels import add_member, open_rows, place_entries, read_members, try_members
from trainable.metrics import f1_from_counts

TIE = 1e-12
COLUMNS_SHARE = 0.08  # of the input's size, for copies of the cells that matter
HIGHEST = 1.0 + 1e-3  # a softmax in float16 overshoots 1 by 5e-4


@dataclass(frozen=True)
class Selection:
    """A vote: `counts` int64[T] sums to the picks kept, `weights` float64[T] = counts / sum, `path` the picks in
    order, `score` the macro-F1 of argmax(sum of counts * probabilities).
    """

    counts: NDArray[np.int64]
    weights: NDArray[np.float64]
    path: list[int]
    score: float


def greedy_selection(probabilities: NDArray[Any], labels: ArrayLike, size: int = 50) -> Selection:
    """Selects from probabilities [T, N, C] (float16, 32 or 64, may be a memmap) for labels int[N]: `size` picks."""
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


def member_scores(probabilities: NDArray[Any], labels: ArrayLike) -> NDArray[np.float64]:
    """Macro-F1 float64[T] of every member alone; refuses what `greedy_selection` refuses."""
    table = Table.read(probabilities, labels)
    return table.scores(table.counts)


@dataclass(frozen=True)
class Table:
    """Checked input: raw [T, N, C] as the compiled code reads it, range of every row and class [N, C], own counts
    [2, C, T].
    """

    raw: NDArray[Any]
    half: NDArray[np.float32]
    labels: NDArray[np.int64]
    low: NDArray[Any]
    high: NDArray[Any]
    counts: NDArray[np.int64]

    @staticmethod
    def read(probabilities: NDArray[Any], labels: ArrayLike) -> Table:
        """Checks shapes, types and every value in one pass; ValueError says what was received and what is allowed."""
        source = np.asarray(probabilities)  # a memmap stays one, as a plain view
        if source.ndim != 3 or 0 in source.shape:
            raise ValueError(f"probabilities must be [members, rows, classes], none of them 0, not {source.shape}")
        if source.dtype not in (np.float16, np.float32, np.float64):
            raise ValueError(f"probabilities must be native float16, float32 or float64, not {source.dtype}")
        members, rows, classes = source.shape
        true = np.asarray(labels)
        if true.shape != (rows,) or true.dtype.kind not in "iu":
            raise ValueError(f"labels must be whole numbers [{rows}], one a row, not {true.dtype} {true.shape}")
        if true.min() < 0 or true.max() >= classes:
            raise ValueError(f"labels must lie in 0..{classes - 1}, found {true.min()}..{true.max()}")
        true = true.astype(np.int64)
        raw, half = source.view(), np.zeros(1, np.float32)
        if source.dtype == np.float16:
            raw, half = source.view(np.uint16), np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
        raw.flags.writeable = False  # one compiled version serves arrays and read-only memmaps
        low = np.empty((rows, classes), np.float64 if source.dtype == np.float64 else np.float32)
        high = np.empty_like(low)

        def read(first: int, last: int, counts: NDArray[np.int64]) -> bool:
            return read_members(raw, half, true, first, last, HIGHEST, low, high, counts)

        counts, fine = _split(read, rows, members, classes)
        if not all(fine):
            _refuse(source)
        return Table(raw, half, true, low, high, counts)

    def scores(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Macro-F1 float64[T] of hits and predictions int64[2, C, T]."""
        true = np.bincount(self.labels, minlength=self.raw.shape[2])
        return np.asarray(f1_from_counts(counts[0], counts[1], true[:, None]).mean(axis=0))


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

        return now[:, :, None] + _split(attempt, found, members, classes)[0]


def _split(
    work: Callable[[int, int, NDArray[np.int64]], Any], rows: int, members: int, classes: int
) -> tuple[NDArray[np.int64], list[Any]]:
    """Runs work(first, last, counts) on as many row ranges as pay; the sum of their counts, and their answers."""
    threads = min(len(os.sched_getaffinity(0)), 1 + rows * members // 50_000)
    counts = np.zeros((threads, 2, classes, members), np.int64)
    edges = np.linspace(0, rows, threads + 1).astype(int).tolist()
    if threads == 1:
        return counts[0], [work(0, rows, counts[0])]
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(work, edges[:-1], edges[1:], counts))
    return counts.sum(axis=0), answers


def _refuse(source: NDArray[Any]) -> None:
    """Names the first cell that is no probability."""
    for t, member in enumerate(source):
        wrong = np.argwhere(~((member >= 0) & (member <= HIGHEST)))
        if len(wrong):
            n, c = wrong[0].tolist()
            raise ValueError(
                f"probabilities must lie in 0..1 (at most {HIGHEST}), "
                f"found {member[n, c]} at member {t}, row {n}, class {c}"
            )
