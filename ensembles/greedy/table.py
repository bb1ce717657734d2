"""The members' probabilities as greedy selection reads them, checked, and each member's own counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensembles.greedy.kernels import read_members
from trainable.metrics import Metric

HIGHEST = 1.0 + 1e-3  # a softmax in float16 overshoots 1 by 5e-4


@dataclass(frozen=True)
class Table:
    """Checked probabilities [T, N, C] of T members, N rows and C classes.

    raw: as compiled code reads them (float32 or float64 [T, N, C], float16 as its bits in uint16). half:
    float32[65536], the number of every float16; one zero where it is not needed. labels: int64[N]. low, high: least and
    largest probability [N, C] over the members. counts: int64[2, C, T], each member's own credit (hits, where `power`
    is 0; see trainable.metrics.credit_of) and predictions.
    """

    raw: NDArray[Any]
    half: NDArray[np.float32]
    labels: NDArray[np.int64]
    power: int
    low: NDArray[Any]
    high: NDArray[Any]
    counts: NDArray[np.int64]

    @staticmethod
    def read(probabilities: NDArray[Any], labels: ArrayLike, power: int = 0) -> Table:
        """Reads and checks everything in one pass; raises ValueError for a wrong shape, type, label or probability."""
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
            return read_members(raw, half, true, power, first, last, low.dtype.type(HIGHEST), low, high, counts)

        counts, fine = in_row_ranges(read, rows, members, classes)
        if not all(fine):
            _refuse(source)
        return Table(raw, half, true, power, low, high, counts)

    def scores(self, counts: NDArray[np.int64], metric: Metric) -> NDArray[np.float64]:
        """A metric of counts, float64[T], of credit and predictions int64[2, C, T]."""
        assert metric.counts is not None and metric.counts.power == self.power
        true = np.bincount(self.labels, minlength=self.raw.shape[2])
        return np.asarray(metric.counts.formula(counts[0].T, counts[1].T, true), np.float64)

    def member(self, t: int) -> NDArray[np.float64]:
        """Member t's probabilities, float64 [N, C]."""
        return _numbers(self.raw[t])

    def own(self) -> NDArray[np.float64]:
        """What each member gives the label of each row, float64 [T, N]."""
        return _numbers(self.raw[:, np.arange(len(self.labels)), self.labels])


def in_row_ranges(
    work: Callable[[int, int, NDArray[np.int64]], Any], rows: int, members: int, classes: int
) -> tuple[NDArray[np.int64], list[Any]]:
    """Calls work(first, last, counts) on row ranges, in as many threads as pay.

    Each call adds to its own `counts`; returns their sum int64[2, C, T], and the list of what the calls returned.
    """
    threads = min(len(os.sched_getaffinity(0)), 1 + rows * members // 50_000)
    counts = np.zeros((threads, 2, classes, members), np.int64)
    edges = np.linspace(0, rows, threads + 1).astype(int).tolist()
    if threads == 1:
        return counts[0], [work(0, rows, counts[0])]
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(work, edges[:-1], edges[1:], counts))
    return counts.sum(axis=0), answers


def _numbers(cells: NDArray[Any]) -> NDArray[np.float64]:
    """Cells as `raw` holds them, as float64."""
    return np.asarray(cells.view(np.float16) if cells.dtype == np.uint16 else cells, np.float64)


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
