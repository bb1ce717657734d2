"""What the training CSV says about people: ids, label errors, file extensions. All as published, scaled down."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from trainable.sample.people import Person, age_band, cell_floor

GENDER_ERRORS = 0.004
SWAPPED_FILES = 0.001
AGE_ERRORS_NEAR_60 = 0.06
"""Share of the people of true age 57 and over whose given age is off by two or three years."""

SUFFIXED = 41 / 2700
EXTENSIONS = {"png": 511 / 18900, "jpeg": 354 / 18900}
"""Shares of files; all others are `jpg`."""

# Where photos came from: share of the people below 30 and of the others. Sources occupy id ranges in this order.
SOURCES = ((0.02, 0.40), (0.30, 0.02), (0.05, 0.33), (0.38, 0.03), (0.05, 0.20), (0.20, 0.02))


def label_people(people: list[Person], rng: np.random.Generator) -> list[Person]:
    """Training people with errors in their labels, ids and extensions, sorted by path as the competition's CSV is."""
    people = give_errors(people, rng)
    people = give_ids(people, rng)
    people = give_extensions(people, rng)
    return sorted(people, key=lambda person: person.path)


def give_errors(people: list[Person], rng: np.random.Generator) -> list[Person]:
    """Wrong genders (never of the few old people), swapped files, and ages off by 2 or 3 years near 60."""
    result = list(people)
    order = rng.permutation(len(people))
    younger = [int(i) for i in order if age_band(people[i].age) < 2]
    for i in younger[: round(GENDER_ERRORS * len(people))]:
        result[i] = replace(result[i], given_gender=1 - result[i].gender)
    for i in order[::-1][: round(SWAPPED_FILES * len(people))]:
        result[i] = replace(result[i], swapped=True)

    cells = Counter((p.given_gender, age_band(p.given_age)) for p in result)
    near = [int(i) for i in rng.permutation(len(people)) if people[i].age >= 57]
    for i in near[: round(AGE_ERRORS_NEAR_60 * len(near))]:
        person = result[i]
        years = int(rng.integers(2, 4)) * (-1 if person.age == 60 or rng.random() < 0.5 else 1)
        given = min(person.age + years, 60)
        old, new = ((person.given_gender, age_band(age)) for age in (person.age, given))
        if old == new or cells[old] > cell_floor(len(people)):
            cells[old] -= 1
            cells[new] += 1
            result[i] = replace(person, given_age=given)
    return result


def give_ids(people: list[Person], rng: np.random.Generator) -> list[Person]:
    """Six-digit ids, clustered by source and age; some with a suffix; from 60 people on one id for two people."""
    shares = np.array(SOURCES)
    shares = shares / shares.sum(axis=0)
    source = np.array([rng.choice(len(SOURCES), p=shares[:, int(p.given_age >= 30)]) for p in people])
    block = max(1000, len(people) // 2)  # The largest source needs about .37 ids a person.
    ids: dict[int, str] = {}
    for s in range(len(SOURCES)):
        # Collected by age within a source, roughly: neighbours in the id are close in age.
        members = sorted(np.flatnonzero(source == s), key=lambda i: people[i].given_age + rng.normal(0, 4))
        number = s * block
        for i in members:
            number += int(rng.choice((1, 1, 1, 1, 2, 5)))
            ids[int(i)] = f"{number:06d}"

    ordered = sorted(ids, key=lambda i: ids[i])
    starts = [int(j) for j in rng.permutation(len(ordered) // 4) * 4]  # Disjoint runs of people next to each other.
    if len(people) >= 60:
        first, *others = ordered[starts[0] : starts[0] + 4]
        other = next((j for j in others if _described(people[j]) != _described(people[first])), None)
        if other is None:  # Four alike in a row: any person described otherwise will do, the folder must be unique.
            other = next(j for j in ordered if _described(people[j]) != _described(people[first]))
        ids[other] = ids[first]
        taken = {first, other}
        wanted = max(1, round(SUFFIXED * len(people)))
        for start in starts[1:]:
            pair = ordered[start : start + 2]
            if wanted == 0:
                break
            if taken.intersection(pair):
                continue
            base = ids[pair[0]]
            for suffix, j in enumerate(pair[:wanted], start=1):
                ids[j] = f"{base}-{suffix}"
            wanted -= min(2, wanted)
    return [replace(person, id=ids[i]) for i, person in enumerate(people)]


def _described(person: Person) -> tuple[int, int]:
    return person.given_gender, person.given_age


def give_extensions(people: list[Person], rng: np.random.Generator) -> list[Person]:
    """The published shares of `png` and `jpeg`: mostly whole folders, every third such folder mixed."""
    result = list(people)
    order = [int(i) for i in rng.permutation(len(people))]
    for extension, share in EXTENSIONS.items():
        wanted = round(share * 7 * len(people))
        while wanted > 0:
            i = order.pop()
            most = 3 if rng.random() < 1 / 3 else 7
            chosen = set(rng.permutation(7)[: min(most, wanted)].tolist())
            names = tuple(extension if k in chosen else "jpg" for k in range(7))
            result[i] = replace(result[i], extensions=names)
            wanted -= len(chosen)
    return result
