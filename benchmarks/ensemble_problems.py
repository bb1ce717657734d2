"""Generated ensemble problems with known truth: members as fixed predictors, and as many fresh people as one wants.

A row's evidence for class c of an attribute is `distance * [c is true] + noise`. Part of the noise is shared by
all members (the photo itself misleads), the rest is a member's own; part of either is the person's, shared by
all photos of a group. A member turns evidence into probabilities with its own quality, sharpness and attention
to the class frequencies, as members of a search over losses, samplers and schedules do. The competition's
problems are 3 x 2 x 3 attributes with its published frequencies and about its published accuracies (mask 97.7
%, gender 95.5 %, age 90 %).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PEOPLE = np.array([[549, 410, 83], [732, 817, 109]])  # gender x age of the competition
PHOTOS = np.array([0, 0, 0, 0, 0, 1, 2])  # mask states of a person's seven photos
DISTANCES, OF_PERSON = (2.9, 2.4, 1.75), (0.2, 0.8, 0.8)  # mask, gender, age


@dataclass(frozen=True)
class Spec:
    """members, rows (in groups of 7), shared: share of the noise variance that all members have in common."""

    members: int
    rows: int
    shared: float
    competition: bool
    spread: float  # of the members' quality
    seed: int


@dataclass(frozen=True)
class Rows:
    """probabilities float32[T, N, C], labels int64[N], groups int64[N], fold int8[N]."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    fold: NDArray[np.int8]


def specs(count: int, first_seed: int = 0) -> list[Spec]:
    """`count` problems, walking through few and many members, alike and diverse, 500 to 20,000 rows."""
    members, rows, shared, spread = (8, 20, 60, 150), (504, 1400, 5600, 19600), (0.95, 0.85, 0.65), (0.04, 0.12)
    made = []
    for i in range(count):
        random = np.random.default_rng([first_seed, i])
        # rows change fastest, so that any run of 12 problems has every size with every likeness
        made.append(
            Spec(
                members[(i // 4 + i) % 4],
                rows[i % 4],
                shared[i % 3],
                i % 5 != 4,
                spread[int(random.integers(2))],
                int(random.integers(2**31)),
            )
        )
    return made


class Problem:
    """The members of one Spec; `rows` draws people they have not seen."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        random = np.random.default_rng([spec.seed, 0])
        if spec.competition:
            self.sizes: tuple[int, ...] = (3, 2, 3)
            self.distances: tuple[float, ...] = DISTANCES
            self.of_person: tuple[float, ...] = OF_PERSON
            self.prior = np.log(np.stack([PEOPLE * 5, PEOPLE, PEOPLE]).ravel() / (7 * PEOPLE.sum()))
        else:
            classes = int(random.choice([3, 6, 10]))
            share = 0.7 ** np.arange(classes)
            self.sizes, self.distances, self.of_person = (classes,), (1.8,), (0.5,)
            self.prior = np.log(share / share.sum())
        self.quality = random.normal(1, spec.spread, spec.members).clip(0.5, 1.1)
        self.sharpness = np.exp(random.normal(0, 0.4, spec.members))
        self.balance = random.uniform(0, 0.6, spec.members)  # how far its sampler or loss levels the classes

    def rows(self, count: int, seed: int) -> Rows:
        """`count` rows (rounded down to whole people), five folds of whole people."""
        random = np.random.default_rng([self.spec.seed, 1, seed])
        people = count // 7
        labels = self._labels(people, random)
        truths = np.unravel_index(labels, self.sizes)
        common = [
            self._noise(people, size, part, random) for size, part in zip(self.sizes, self.of_person, strict=True)
        ]
        table = np.empty((self.spec.members, people * 7, len(self.prior)), np.float32)
        for t in range(self.spec.members):
            logits = np.float32(1 - self.balance[t]) * self.prior.astype(np.float32).reshape(1, *self.sizes)
            for a, size in enumerate(self.sizes):
                noise = np.sqrt(self.spec.shared) * common[a]
                noise += np.sqrt(1 - self.spec.shared) * self._noise(people, size, self.of_person[a], random)
                distance = np.float32(self.distances[a] * self.quality[t])
                evidence = distance * (noise + distance * (np.arange(size) == truths[a][:, None]))
                shape = [1] * len(self.sizes)
                shape[a] = size
                logits = logits + evidence.reshape(-1, *shape)
            flat = logits.reshape(people * 7, -1) * np.float32(self.sharpness[t])
            powers = np.exp(flat - flat.max(axis=1, keepdims=True))
            table[t] = powers / powers.sum(axis=1, keepdims=True)
        groups = np.repeat(np.arange(people), 7)
        return Rows(table, labels, groups, (groups % 5).astype(np.int8))

    def _labels(self, people: int, random: np.random.Generator) -> NDArray[np.int64]:
        if self.spec.competition:
            who = random.choice(6, people, p=PEOPLE.ravel() / PEOPLE.sum())
            return np.asarray(np.tile(PHOTOS, people) * 6 + np.repeat(who, 7))
        return np.repeat(random.choice(len(self.prior), people, p=np.exp(self.prior)), 7)

    @staticmethod
    def _noise(people: int, size: int, of_person: float, random: np.random.Generator) -> NDArray[np.float32]:
        """float32[people * 7, size] of variance 1, `of_person` of it common to a person's photos."""
        person: Any = random.standard_normal((people, 1, size), dtype=np.float32)
        photo: Any = random.standard_normal((people, 7, size), dtype=np.float32)
        mixed = np.float32(np.sqrt(of_person)) * person + np.float32(np.sqrt(1 - of_person)) * photo
        return np.asarray(mixed.reshape(people * 7, size))
