"""Same person: photos that look alike around the face are taken for one person's, who has one gender and one age.

The test images do not say who is who. A person's photos share the room behind them and what they wear: colours along
the border of the photo are the features. Nearest photos are joined first, as long as they are nearer than a limit and
no group passes the largest size that a person has in training.

Whether this pays is asked on the training images, with their groups hidden: the limit is chosen on the other folds'
rows, every fold is scored with the limit it had no part in, and the gain must exceed its standard error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from ensembles.nested import Bootstrap

GRID = (16, 12)  # the photo, reduced to this many cells (height, width)
NEIGHBOURS = 8
QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # of the distances to the nearest photos
FLOOR = 1e-6


@dataclass(frozen=True)
class Refinement:
    """What grouping gave on training people. limit: chosen on all rows; pairs: share of joined pairs that are right."""

    before: float
    after: float
    gain: float
    gain_error: float
    limit: float
    size: int
    pairs: float

    @property
    def pays(self) -> bool:
        """One standard error: over 96 generated data sets it harmed in none of 17; none harmed in 10 of 31, two gave up
        one that paid (benchmarks/persons.py).
        """
        return self.gain > self.gain_error


def surroundings(photos: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Features float32 [N, F] of photos uint8 [H, W, 3]: colours of the border cells, less their mean light."""
    border = np.zeros(GRID, bool)
    border[:, :3] = border[:, -3:] = border[:2] = border[-3:] = True
    found = []
    for photo in photos:
        cells = cv2.resize(photo, GRID[::-1], interpolation=cv2.INTER_AREA)[border].astype(np.float32)
        found.append((cells - cells.mean()).ravel())
    features = np.stack(found)
    return np.asarray(features / np.float32(np.sqrt(features.shape[1])))  # 1: one grey level a cell


class Neighbours:
    """Pairs of near photos, nearest first."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        self.count = len(features)
        near = min(NEIGHBOURS, len(features) - 1)
        distances, others = NearestNeighbors(n_neighbors=near, algorithm="brute").fit(features).kneighbors()
        rows = np.repeat(np.arange(self.count), others.shape[1])
        order = np.argsort(distances.ravel(), kind="stable")
        self.distances = distances.ravel()[order]
        self.pairs = np.stack([rows, others.ravel()], 1)[order]

    def groups(self, limit: float, size: int) -> NDArray[np.int64]:
        """A group number int64[N] for each photo: joined up to distance `limit`, at most `size` together."""
        parent = np.arange(self.count)
        members = np.ones(self.count, int)
        for one, two in self.pairs[: np.searchsorted(self.distances, limit, side="right")].tolist():
            a, b = _root(parent, one), _root(parent, two)
            if a != b and members[a] + members[b] <= size:
                parent[b] = a
                members[a] += members[b]
        return np.unique([_root(parent, row) for row in range(self.count)], return_inverse=True)[1]


def _root(parent: NDArray[np.int64], row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = int(parent[row])
    return row


def decide_together(votes: NDArray[Any], group: NDArray[np.int64], sizes: tuple[int, ...]) -> NDArray[np.float64]:
    """Votes [N, C] with one gender and one age a group: p(mask | photo) times the group's p(gender, age).

    The group's is the normalised geometric mean of its photos'. sizes: of mask, gender, age.
    """
    split = votes.reshape(len(votes), sizes[0], -1)
    photo, person = split.sum(2), np.log(np.maximum(split.sum(1), FLOOR))
    total = np.zeros((group.max() + 1, person.shape[1]))
    np.add.at(total, group, person)
    mean = total / np.bincount(group)[:, None]
    shared = np.exp(mean - mean.max(1, keepdims=True))
    shared /= shared.sum(1, keepdims=True)
    # A photo alone keeps its own vote, with what its mask says of its gender and age.
    alone = np.bincount(group)[group] == 1
    joint = (photo[:, :, None] * shared[group][:, None, :]).reshape(votes.shape)
    return np.where(alone[:, None], votes, joint)


def grouping_gain(
    votes: NDArray[Any],
    labels: NDArray[np.int64],
    fold: NDArray[Any],
    groups: NDArray[Any],
    near: Neighbours,
    sizes: tuple[int, ...],
    seed: int = 0,
) -> Refinement:
    """The nested test: votes [N, C] out of fold, `groups` [N] used for nothing but errors and the share of pairs."""
    _, group = np.unique(groups, return_inverse=True)
    largest = int(np.bincount(group).max())
    bootstrap = Bootstrap(labels, group, votes.shape[1], seed)
    everything = np.ones(len(labels), bool)
    plain = votes.argmax(1)
    limits = np.quantile(near.distances, QUANTILES)
    found = [decide_together(votes, near.groups(limit, largest), sizes).argmax(1) for limit in limits]

    def best(used: NDArray[np.bool_]) -> int:
        return int(np.argmax([bootstrap.scores(predicted, used)[0] for predicted in found]))

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
