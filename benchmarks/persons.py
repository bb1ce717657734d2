"""Deciding photos of one person together: how large must the nested gain be before it is kept?

python -m benchmarks.persons [--seeds 6]

Generated people with the competition's frequencies, votes of about published accuracy whose errors a person's photos
share in part, and rooms that tell people apart well, badly or not at all. The nested test is run on training people,
its answer applied to 600 fresh ones in crowds of the same size. One JSON line: for each limit (in standard errors of
the gain) how often grouping is kept, how often that harms, and what it gives on average over all data sets.
"""

import argparse
import itertools
import json

import numpy as np

from benchmarks.ensemble_problems import DISTANCES, PEOPLE, PHOTOS
from ensembles.same_person import Neighbours, decide_together, grouping_gain, own_and_shared
from trainable.data.layouts.competition import MADE_OF
from trainable.metrics import macro_f1

FRESH = 600
LIMITS = (0.0, 1.0, 1.5, 2.0, 3.0)
QUALITY = 0.8  # of the members of benchmarks.ensemble, so that some errors are left
ROOMS = (3, 6, 9, 12)  # deviation of a photo's surroundings; rooms differ by 10
TABLE = own_and_shared(MADE_OF, ("gender", "age"))
OF_PERSON = (0.3, 0.8)  # share of the noise in gender and age that is the person's own
PERSONS = (60, 150)


def people(random: np.random.Generator, count: int, room: float, of_person: float) -> tuple[np.ndarray, ...]:
    """(features float32 [N, 8], votes [N, 18], labels [N], person [N]) of seven photos each."""
    person = np.repeat(np.arange(count), 7)
    who = random.choice(6, count, p=PEOPLE.ravel() / PEOPLE.sum())[person]
    truths = (np.tile(PHOTOS, count), who // 3, who % 3)
    parts = []
    for size, truth, distance, share in zip(
        MADE_OF.grid.sizes, truths, DISTANCES, (0.2, of_person, of_person), strict=True
    ):
        noise = np.sqrt(share) * random.normal(size=(count, size))[person]
        noise += np.sqrt(1 - share) * random.normal(size=(len(person), size))
        strength = QUALITY * distance
        powers = np.exp(strength * (strength * np.eye(size)[truth] + noise))
        parts.append(powers / powers.sum(axis=1, keepdims=True))
    votes = np.einsum("na,nb,nc->nabc", *parts).reshape(len(person), -1)
    rooms = random.normal(0, 10, (count, 8))[person] + random.normal(0, room, (len(person), 8))
    return rooms.astype(np.float32), votes, MADE_OF.grid.encode(truths), person


def gains(random: np.random.Generator, count: int, room: float, of_person: float) -> tuple[float, float]:
    """(nested gain in standard errors, gain in macro-F1 on fresh people)."""
    rooms, votes, labels, person = people(random, count, room, of_person)
    found = grouping_gain(votes, labels, person % 5, person, Neighbours(rooms), TABLE)
    rooms, votes, labels, person = people(random, FRESH, room, of_person)
    plain = votes.argmax(axis=1)
    together = plain.copy()
    for first in range(0, FRESH, count):
        crowd = (person >= first) & (person < first + count)
        group = Neighbours(rooms[crowd]).groups(found.limit, found.size)
        together[crowd] = decide_together(votes[crowd], group, TABLE).argmax(axis=1)
    classes = votes.shape[1]
    gain = macro_f1(labels, together, classes) - macro_f1(labels, plain, classes)
    return (found.gain / found.gain_error if found.gain_error else 0.0), gain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    given = parser.parse_args()
    cases = list(itertools.product(range(given.seeds), ROOMS, OF_PERSON, PERSONS))
    table = []
    for i, (seed, room, of_person, count) in enumerate(cases):
        table.append(gains(np.random.default_rng([seed, i]), count, room, of_person))
        print(f"{i + 1}/{len(cases)}", end="\r", flush=True)
    nested, true = np.array(table).T
    result: dict = {"data_sets": len(cases)}
    for limit in LIMITS:
        kept = nested > limit
        result[f"kept_over_{limit:g}"] = {
            "kept": int(kept.sum()),
            "harmful": int((true[kept] < 0).sum()),
            "worst_points": round(100 * float(true[kept].min(initial=0)), 2),
            "mean_points_over_all": round(100 * float((true * kept).mean()), 2),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
