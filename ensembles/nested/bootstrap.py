"""How certain a score is: the groups of the data drawn anew, the same draws for everything that is compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from ensembles.metric import AnyMetric, as_metric
from trainable.metrics import MACRO_F1, Metric, credit_of

REPLICATES = 200
CALLS = 50  # replicates of a metric that is called for each


def evidence(votes: NDArray[Any], labels: NDArray[Any], metric: Metric) -> NDArray[Any]:
    """What a metric's score of votes [M, C] for labels int[M] stands on, of each row, so that rows can be drawn anew.

    int64[M], the predicted class, for metrics of counts; float64[M], what the row adds, for means over rows; the votes
    float64 [M, C] for any other.
    """
    if metric.counts is not None:
        return votes.argmax(axis=1)
    return metric.rows(labels, votes) if metric.rows is not None else np.asarray(votes, np.float64)


class Bootstrap:
    """Scores of votes for labels int[N] of `classes` classes, over resamples of their groups int64[N].

    Groups are numbered from 0. Two votes are compared on the same resamples: their difference is known far better than
    either score.
    """

    def __init__(
        self, labels: NDArray[Any], group: NDArray[np.int64], classes: int, seed: int, metric: AnyMetric = MACRO_F1
    ) -> None:
        self.labels, self.group, self.classes = labels, group, classes
        self.random_seed = seed
        self.metric = as_metric(metric, classes)

    def score(self, seen: NDArray[Any], used: NDArray[np.bool_]) -> float:
        """The score of the rows `used` bool[N] as they are."""
        return float(self._scores(seen, used, 0)[0])

    def scores(self, seen: NDArray[Any], used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Scores float64[1 + REPLICATES] over the rows `used` bool[N]; 1 + CALLS where the metric is called for each.

        seen: what `evidence` gives, of all N rows. The first score is that of the rows as they are, the others those of
        their groups drawn anew, with replacement.
        """
        return self._scores(seen, used, CALLS if self.metric.called else REPLICATES)

    def _scores(self, seen: NDArray[Any], used: NDArray[np.bool_], draws: int) -> NDArray[np.float64]:
        _, group = np.unique(self.group[used], return_inverse=True)
        size = int(group.max()) + 1
        drawn = np.random.default_rng(self.random_seed).multinomial(size, np.full(size, 1 / size), draws)
        times = np.concatenate([np.ones((1, size), drawn.dtype), drawn])  # how often each group is there
        labels, seen = self.labels[used], seen[used]
        if self.metric.counts is not None:
            return self._of_counts(labels, seen, group, times)
        if self.metric.rows is not None:
            added, rows = np.bincount(group, seen, size), np.bincount(group, minlength=size)
            return np.asarray((times @ added) / (times @ rows))
        again = (np.repeat(np.arange(len(labels)), count[group]) for count in times)
        return np.array([self.metric.score(labels[rows], seen[rows]) for rows in again])

    def _of_counts(
        self, labels: NDArray[Any], guess: NDArray[Any], group: NDArray[np.int64], times: NDArray[Any]
    ) -> NDArray[np.float64]:
        assert self.metric.counts is not None
        credit = credit_of(labels, guess, self.metric.counts.power)
        ones = np.ones(len(labels))
        pairs = ((guess, credit), (guess, ones), (labels, ones))
        counts = [self._sums(group, column, value, times) for column, value in pairs]
        return np.asarray(self.metric.counts.formula(*counts))

    def _sums(
        self, group: NDArray[np.int64], column: NDArray[Any], value: NDArray[Any], times: NDArray[Any]
    ) -> NDArray[np.float64]:
        """float64 [draws, C]: of each class the sum of its rows' values, as often as their groups were drawn.

        Sparse, since groups have few classes: of 10,000 classes the whole table would take gigabytes.
        """
        shape = (times.shape[1], self.classes)
        table = coo_array((np.asarray(value, np.float64), (group, column)), shape=shape).tocsr()
        return np.asarray((table.T @ times.T.astype(np.float64)).T)
