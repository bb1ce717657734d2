"""Greedy ensemble selection with replacement on any metric, exact.

Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004. Starting from nothing, the member
whose addition gives the best vote is added, `size` times; the best prefix of the picks is kept.

What "exact" means, to the last tie:
- The vote of picks m1..mk is their mean, total / k with total = ((p[m1] + p[m2]) + ...) + p[mk], summed in float64 in
  the order of the picks. The class of a row is its largest total; among equal classes the lowest. (Sums of float16 and
  float32 probabilities of 2**-23 and more are exact in float64 for up to 64 picks, so there the order does not matter.)
- Candidates whose scores differ by at most 1e-12 are tied: the same fraction summed in another order differs
  by 1e-16, and without the tolerance renaming the classes would change the picks. Ties go to members already
  picked, then to the lowest index. A longer prefix must be better than a shorter one by more than that.

What makes it fast depends on the metric: see `counted` for those of counts, `separable` for log loss and Brier score.
The others are called for every candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensembles.greedy.counted import Counted
from ensembles.greedy.separable import Brier, Called, Own
from ensembles.greedy.table import Table
from ensembles.metric import AnyMetric, as_metric
from trainable.metrics import MACRO_F1, Metric

TIE = 1e-12


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


class Candidates(Protocol):
    """What the vote so far scores with each of T members added."""

    def alone(self) -> NDArray[np.float64]:
        """Of every member by itself, float64[T]."""

    def after(self, pick: int) -> NDArray[np.float64]:
        """Adds a member to the vote for good; what it then scores with each further one, float64[T]."""


def greedy_selection(
    probabilities: NDArray[Any], labels: ArrayLike, size: int = 50, metric: AnyMetric = MACRO_F1
) -> Selection:
    """Select members of probabilities [T, N, C] (float16, 32 or 64, also a memmap) for labels int[N].

    size: most picks. metric: what is made as high as possible: a name (classes go by their numbers), a function, or a
    `Metric`. Raises InputError for a metric that is not known, and ValueError for a size below 1 or for arrays that do
    not fit together or hold no probabilities.
    """
    measure = as_metric(metric, np.shape(probabilities)[-1])
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    candidates = _candidates(probabilities, labels, measure)
    score = candidates.alone()
    picked = np.zeros(len(score), bool)
    path: list[int] = []
    scores: list[float] = []
    while len(path) < size:
        tied = score >= score.max() - TIE
        pick = int(np.argmax(tied & picked if (tied & picked).any() else tied))
        path.append(pick)
        scores.append(float(score[pick]))
        picked[pick] = True
        if len(path) == size or scores[-1] >= measure.highest - TIE:  # nothing later can be better
            break
        score = candidates.after(pick)
    kept = next(k for k, score in enumerate(scores, 1) if score >= max(scores) - TIE)
    chosen = np.bincount(path[:kept], minlength=len(picked)).astype(np.int64)
    return Selection(chosen, chosen / kept, path[:kept], scores[kept - 1])


def member_scores(probabilities: NDArray[Any], labels: ArrayLike, metric: AnyMetric = MACRO_F1) -> NDArray[np.float64]:
    """The score float64[T] of every member alone, of probabilities [T, N, C] and labels int[N].

    Raises what `greedy_selection` raises.
    """
    return _candidates(probabilities, labels, as_metric(metric, np.shape(probabilities)[-1])).alone()


def scores_one_by_one(metric: Metric) -> bool:
    """Whether every candidate's vote is scored anew, for want of a shortcut."""
    return metric.counts is None and metric.own is None and metric.name != "brier"


def _candidates(probabilities: NDArray[Any], labels: ArrayLike, metric: Metric) -> Candidates:
    table = Table.read(probabilities, labels, metric.counts.power if metric.counts else 0)
    if metric.counts is not None:
        return Counted(table, metric)
    if metric.own is not None:
        return Own(table, metric)
    return Called(table, metric) if scores_one_by_one(metric) else Brier(table)
