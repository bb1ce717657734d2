"""Who is in the data set: gender, age, and the rows that describe each person, before anything is drawn.

The counts follow the published table (2,700 people). Two deliberate deviations serve small samples: each of the six
gender x age cells holds at least one person, at least two from 24 people on and at least five from 120 people on, so
that five stratified folds can each hold one; and ages within a cell are spread by quota instead of drawn freely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GENDERS = ("male", "female")
FILES = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")
MASK_LABEL = {name: 0 for name in FILES[:5]} | {"incorrect_mask": 1, "normal": 2}
TRAIN, EVAL = 0, 1

# People by gender (male, female) and age band (<30, 30-59, 60), as published.
PUBLISHED = np.array([[549, 410, 83], [732, 817, 109]])

# People by age within each band. Published: 27-29 56, 31-33 15, 45-59 1,061 of 1,227, 57-59 350; the rest fills in.
AGES: tuple[dict[int, int], ...] = (
    {18: 150, 19: 360, 20: 250, 21: 130, 22: 105, 23: 90, 24: 65, 25: 50, 26: 25, 27: 24, 28: 18, 29: 14},
    {30: 6, 31: 5, 32: 5, 33: 5}
    | {34 + k: 8 + k for k in range(11)}
    | {45 + k: 48 + 2 * k for k in range(12)}
    | {57: 110, 58: 115, 59: 125},
    {60: 192},
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person: `gender` (0 male, 1 female) and `age` are true, `given_gender` and `given_age` what the CSV says.

    `swapped`: the files `incorrect_mask` and `normal` are exchanged. `extensions` of the seven `FILES`.
    """

    split: int
    index: int
    gender: int
    age: int
    given_gender: int
    given_age: int
    id: str = ""
    swapped: bool = False
    extensions: tuple[str, ...] = ("jpg",) * 7

    @property
    def path(self) -> str:
        """Folder name, made from the given labels as in the competition (so errors show in it too)."""
        return f"{self.id}_{GENDERS[self.given_gender]}_Asian_{self.given_age}"


def age_band(age: int) -> int:
    """0 below 30, 1 from 30 to 59, 2 from 60."""
    return int(age >= 30) + int(age >= 60)


def true_label(person: Person, file: str) -> int:
    """Class 0..17 of what the photo `file` of this person really shows."""
    return MASK_LABEL[file] * 6 + person.gender * 3 + age_band(person.age)


def cell_floor(people: int) -> int:
    """Fewest people that a gender x age cell holds in a population of this size."""
    return 5 if people >= 120 else 2 if people >= 24 else 1


def cell_counts(people: int) -> np.ndarray:
    """People by gender and age band, int64 [2, 3]: the published shares by largest remainder, above the floor."""
    ideal = PUBLISHED * (people / PUBLISHED.sum())
    counts = np.maximum(np.floor(ideal).astype(np.int64), cell_floor(people))
    while counts.sum() != people:
        step = 1 if counts.sum() < people else -1
        gap = (ideal - counts) * step
        if step < 0:
            gap[counts <= cell_floor(people)] = -np.inf
        counts[np.unravel_index(np.argmax(gap), gap.shape)] += step
    return counts


def spread_ages(count: int, band: int, rng: np.random.Generator) -> np.ndarray:
    """`count` ages of a band, int64 [count]: one at random from each of `count` equal slices of the distribution."""
    ages = np.array(list(AGES[band]))
    cumulative = np.cumsum(list(AGES[band].values()))
    position = (np.arange(count) + rng.random(count)) / count * cumulative[-1]
    return ages[np.searchsorted(cumulative, position, side="right")]


def draw_people(people: int, *, split: int, rng: np.random.Generator) -> list[Person]:
    """A population without ids or label errors yet, in random order."""
    rows = [
        (gender, int(age))
        for (gender, band), count in np.ndenumerate(cell_counts(people))
        for age in spread_ages(int(count), band, rng)
    ]
    order = rng.permutation(people)
    return [
        Person(split=split, index=k, gender=g, age=a, given_gender=g, given_age=a)
        for k, (g, a) in enumerate(rows[i] for i in order)
    ]
