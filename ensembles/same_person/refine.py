"""The last refinement of a build: photos of one person are joined where that pays on training people."""

from collections.abc import Iterable

import numpy as np

from ensembles.members import Members
from ensembles.same_person.gain import Refinement, decide_together, grouping_gain, own_and_shared
from ensembles.same_person.neighbours import Neighbours, surroundings
from trainable.data.manifest import TestSet
from trainable.images.store import open_store

FEWEST = 2  # photos that can be grouped at all
MOST = 50_000  # photos: every photo is compared with every other


def refine_by_person(
    scores: np.ndarray, known: np.ndarray, members: Members, test: TestSet, seed: int
) -> tuple[np.ndarray, Refinement | None]:
    """Votes [M, C] on the test images, refined where that pays, and what it gave on training people.

    scores: the votes [M, C] as they are. known: the same vote [N, C] out of fold, on which the gain is measured; it
    must exceed its standard error. None where there are too few photos to ask, or no values that photos of a group
    share.
    """
    groupwise = members.run.manifest.groupwise
    if not groupwise or len(np.unique(members.groups)) == len(members.groups):
        return scores, None  # groups share nothing, or there are none to learn from
    table = own_and_shared(members.made_of, groupwise)
    if min(len(known), len(scores)) < FEWEST:
        return scores, None
    if max(len(known), len(scores)) > MOST:
        print(f"same person: not looked for among more than {MOST:,} photos", flush=True)
        return scores, None
    experiment = members.run.experiment
    rows = experiment.place[members.rows]
    near = Neighbours(surroundings(_photos(experiment.store.pixels(), rows)))
    metric = members.metric
    found = grouping_gain(known, members.labels, members.fold, members.groups, near, table, seed, metric)
    before, after = metric.text(found.before), metric.text(found.after)
    print(
        f"photos of one person are {'' if found.pays else 'not '}decided together: on training people that changes "
        f"{before} to {after} ({found.gain:+.4f} ± {found.gain_error:.4f})",
        flush=True,
    )
    if not found.pays:
        return scores, found
    store = open_store(test.root, test.images, experiment.store_size)
    photos = _photos(store.pixels(), np.arange(len(scores)))
    group = Neighbours(surroundings(photos)).groups(found.limit, found.size)
    return decide_together(scores, group, table), found


def _photos(pixels: np.ndarray, rows: np.ndarray) -> Iterable[np.ndarray]:
    return (pixels[row] for row in rows.tolist())
