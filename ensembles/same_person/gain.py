"""One value of what groups share for photos that look like one person's, and whether that pays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensembles.metric import AnyMetric
from ensembles.nested import Bootstrap, evidence
from ensembles.same_person.neighbours import Neighbours
from trainable.data.attributes import Attributes
from trainable.metrics import MACRO_F1

QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # of the distances to the nearest photos
FLOOR = 1e-6


@dataclass(frozen=True)
class Refinement:
    """What joining photos gave on training people.

    before, after: score of the votes without and with it, nested; gain, gain_error: the difference and its standard
    error. limit: the distance up to which photos are joined, chosen on all rows. size: most photos of one person.
    pairs: share of the joined pairs that are of one person.
    """

    before: float
    after: float
    gain: float
    gain_error: float
    limit: float
    size: int
    pairs: float

    @property
    def pays(self) -> bool:
        """Whether the gain exceeds one standard error.

        On 96 generated data sets that rule kept 17 refinements, none of which did harm; without any rule 10 of 31 did,
        and a rule of two standard errors gave up one that paid (benchmarks/persons.py).
        """
        return self.gain > self.gain_error


def own_and_shared(made_of: Attributes, groupwise: Sequence[str]) -> NDArray[np.int64]:
    """int64[P, G]: the class of each product of a photo's own values and of those that its group shares, else -1."""
    sizes, names = made_of.grid.sizes, made_of.names
    grid = np.full(math.prod(sizes), -1)
    grid[made_of.grid.places] = np.arange(made_of.grid.classes)
    axes = [sorted(a for a in range(len(names)) if (names[a] in groupwise) is shared) for shared in (False, True)]
    return grid.reshape(sizes).transpose(*axes[0], *axes[1]).reshape(math.prod(sizes[a] for a in axes[0]), -1)


def decide_together(votes: NDArray[Any], group: NDArray[np.int64], table: NDArray[np.int64]) -> NDArray[np.float64]:
    """Votes [N, C] that give the photos of one group int64[N] one value of what groups share, as float64 [N, C].

    A photo keeps its own probabilities of the rest; those of what is shared are the normalised geometric mean of its
    group's. table: as `own_and_shared` makes it.
    """
    split = np.where(table < 0, 0, votes[:, table])
    photo, person = split.sum(2), np.log(np.maximum(split.sum(1), FLOOR))
    total = np.zeros((group.max() + 1, person.shape[1]))
    np.add.at(total, group, person)
    mean = total / np.bincount(group)[:, None]
    shared = np.exp(mean - mean.max(1, keepdims=True))
    shared /= shared.sum(1, keepdims=True)
    # A photo alone keeps its own vote, with what its own values say of those it would share.
    alone = np.bincount(group)[group] == 1
    joint = np.zeros(votes.shape)
    joint[:, table[table >= 0]] = (photo[:, :, None] * shared[group][:, None, :])[:, table >= 0]
    if (table < 0).any():
        joint /= np.maximum(joint.sum(1, keepdims=True), FLOOR)
    return np.where(alone[:, None], votes, joint)


def grouping_gain(
    votes: NDArray[Any],
    labels: NDArray[np.int64],
    fold: NDArray[Any],
    groups: NDArray[Any],
    near: Neighbours,
    table: NDArray[np.int64],
    seed: int = 0,
    metric: AnyMetric = MACRO_F1,
) -> Refinement:
    """Whether joining photos pays, asked on training people whose groups are hidden.

    votes [N, C]: out of fold; labels int64[N]; fold [N]; near: which of the N photos look alike; table: as in
    `decide_together`. metric: what is to gain. groups [N] serve standard errors, the largest size of a group and the
    share of right pairs alone.
    """
    _, group = np.unique(groups, return_inverse=True)
    largest = int(np.bincount(group).max())
    bootstrap = Bootstrap(labels, group, votes.shape[1], seed, metric)
    everything = np.ones(len(labels), bool)
    plain = evidence(votes, labels, bootstrap.metric)
    limits = np.quantile(near.distances, QUANTILES)
    found = [
        evidence(decide_together(votes, near.groups(limit, largest), table), labels, bootstrap.metric)
        for limit in limits
    ]

    def best(used: NDArray[np.bool_]) -> int:
        return int(np.argmax([bootstrap.score(stands_on, used) for stands_on in found]))

    nested = plain.copy()
    for k in np.unique(fold):
        out = fold == k
        nested[out] = found[best(~out)][out]
    before, after = bootstrap.scores(plain, everything), bootstrap.scores(nested, everything)
    limit = float(limits[best(everything)])
    return Refinement(
        before=float(before[0]),
        after=float(after[0]),
        gain=float(after[0] - before[0]),
        gain_error=float((after - before)[1:].std()),
        limit=limit,
        size=largest,
        pairs=_right_pairs(near.groups(limit, largest), group),
    )


def _right_pairs(guess: NDArray[np.int64], group: NDArray[np.int64]) -> float:
    """Share of the pairs that were put together which belong together; 1 when there is none."""

    def pairs(names: NDArray[np.int64]) -> int:
        counts = np.unique(names, return_counts=True)[1]
        return int((counts * (counts - 1) // 2).sum())

    together = pairs(guess)
    return pairs(guess * (int(group.max()) + 1) + group) / together if together else 1.0
