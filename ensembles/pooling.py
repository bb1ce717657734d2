"""Photos of one group answered together: their votes pooled, where that pays on training groups.

Whether it pays is asked as for methods: how to pool is chosen on the other folds' rows, every fold is scored with the
choice it had no part in, and the gain must exceed its standard error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensembles.metric import AnyMetric
from ensembles.nested import Bootstrap, evidence
from trainable.data.values import NOBODY
from trainable.metrics import MACRO_F1

Votes = NDArray[np.float64]
LEAST = 1e-12


@dataclass(frozen=True)
class Pooling:
    """What pooling the votes of a group gave on training groups.

    how: chosen on all rows. before, after: score without and with it, nested; gain, gain_error: the difference and its
    standard error.
    """

    how: str
    before: float
    after: float
    gain: float
    gain_error: float

    @property
    def pays(self) -> bool:
        return self.gain > self.gain_error


def _mean(votes: Votes, starts: NDArray[np.int64]) -> Votes:
    return np.add.reduceat(votes, starts) / np.diff(np.r_[starts, len(votes)])[:, None]


def _max(votes: Votes, starts: NDArray[np.int64]) -> Votes:
    return np.asarray(np.maximum.reduceat(votes, starts))


def _noisy_or(votes: Votes, starts: NDArray[np.int64]) -> Votes:
    """1 - product of 1 - p: a class is there if one photo at least shows it."""
    return -np.expm1(np.add.reduceat(np.log1p(-np.minimum(votes, 1 - LEAST)), starts))


POOLS: dict[str, Callable[[Votes, NDArray[np.int64]], Votes]] = {"mean": _mean, "max": _max, "noisy_or": _noisy_or}


def pooled(votes: NDArray[Any], group: NDArray[np.int64], how: str) -> Votes:
    """Votes [N, C] in which photos of one group int64[N] have one answer, float64 [N, C] whose rows sum to 1."""
    order = np.argsort(group, kind="stable")
    _, starts, back = np.unique(group[order], return_index=True, return_inverse=True)
    one = POOLS[how](votes[order].astype(np.float64), starts)
    one = np.maximum(one, LEAST)
    found = np.empty(votes.shape)
    found[order] = (one / one.sum(1, keepdims=True))[back]
    return found


def pooling_gain(
    votes: NDArray[Any],
    labels: NDArray[np.int64],
    fold: NDArray[Any],
    groups: NDArray[Any],
    metric: AnyMetric = MACRO_F1,
    seed: int = 0,
) -> Pooling | None:
    """Whether pooling pays; None where every photo stands alone. votes [N, C]: out of fold, of rows in fold [N]."""
    _, group = np.unique(groups, return_inverse=True)
    if len(np.unique(group)) == len(group):
        return None
    bootstrap, everything = Bootstrap(labels, group, votes.shape[1], seed, metric), np.ones(len(labels), bool)
    plain = evidence(votes, labels, bootstrap.metric)
    found = {how: evidence(pooled(votes, group, how), labels, bootstrap.metric) for how in POOLS}

    def best(used: NDArray[np.bool_]) -> str:
        return max(found, key=lambda how: bootstrap.score(found[how], used))

    nested = plain.copy()
    for k in np.unique(fold):
        out = fold == k
        nested[out] = found[best(~out)][out]
    before, after = bootstrap.scores(plain, everything), bootstrap.scores(nested, everything)
    gain = float(after[0] - before[0])
    return Pooling(best(everything), float(before[0]), float(after[0]), gain, float((after - before)[1:].std()))


def group_numbers(groups: Sequence[str]) -> NDArray[np.int64]:
    """int64[M] of the groups that test photos have; those that name nobody stand alone."""
    names = [f"\0{i}" if name.casefold() in NOBODY else name for i, name in enumerate(groups)]
    return np.unique(names, return_inverse=True)[1]
