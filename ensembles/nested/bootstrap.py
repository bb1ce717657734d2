"""How certain a score is: the groups of the data drawn anew, the same draws for everything that is compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainable.metrics import f1_from_counts

REPLICATES = 200


class Bootstrap:
    """Scores of predictions for labels int[N] of `classes` classes, over resamples of their groups int64[N].

    Groups are numbered from 0. Two predictions are compared on the same resamples: their difference is known far
    better than either score.
    """

    def __init__(self, labels: NDArray[Any], group: NDArray[np.int64], classes: int, seed: int) -> None:
        self.labels, self.group, self.classes = labels, group, classes
        self.random_seed = seed

    def scores(self, predicted: NDArray[np.int64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Macro-F1 float64[1 + REPLICATES] of predictions int64[N] over the rows `used` bool[N].

        The first is that of the rows as they are, the others those of their groups drawn anew, with replacement.
        """
        _, group = np.unique(self.group[used], return_inverse=True)
        size = group.max() + 1
        labels, guess = self.labels[used], predicted[used]
        hit = labels == guess
        flat = [group[hit] * self.classes + guess[hit], group * self.classes + guess, group * self.classes + labels]
        counts = np.concatenate(
            [np.bincount(f, minlength=size * self.classes).reshape(size, self.classes) for f in flat], axis=1
        ).astype(np.float64)  # [groups, 3 C]: hits, predicted, true
        drawn = np.random.default_rng(self.random_seed).multinomial(size, np.full(size, 1 / size), REPLICATES)
        totals = np.concatenate([np.ones((1, size)), drawn]) @ counts
        hits, guesses, true = np.split(totals, 3, axis=1)
        return np.asarray(f1_from_counts(hits, guesses, true).mean(axis=1))
