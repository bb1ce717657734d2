"""The last refinement: one gender and one age for photos of one person, where that pays on training people."""

from collections.abc import Iterable

import numpy as np

from ensembles.members import Members
from ensembles.same_person import Neighbours, Refinement, decide_together, grouping_gain, surroundings
from trainable.data.manifest import TestSet
from trainable.images.store import open_store
from trainable.run.experiment import open_experiment

FEWEST = 2  # photos that can be grouped at all


def refine_by_person(
    scores: np.ndarray, known: np.ndarray, members: Members, test: TestSet, seed: int
) -> tuple[np.ndarray, Refinement | None]:
    """Test votes [M, C], refined if out-of-fold votes `known` [N, C] gain more than a standard error; and the gain."""
    if min(len(known), len(scores)) < FEWEST:
        return scores, None
    experiment = open_experiment(members.members[0].run.root)
    rows = experiment.place[members.rows]
    near = Neighbours(surroundings(_photos(experiment.store.pixels(), rows)))
    found = grouping_gain(known, members.labels, members.fold, members.groups, near, members.attributes, seed)
    print(
        f"same person {'joined' if found.pays else 'not joined'}: nested {found.before:.4f} -> {found.after:.4f}, gain "
        f"{found.gain:+.4f} ± {found.gain_error:.4f}, {100 * found.pairs:.0f} % of joined pairs right in training",
        flush=True,
    )
    if not found.pays:
        return scores, found
    store = open_store(test.root, test.images, experiment.store_size)
    photos = _photos(store.pixels(), np.arange(len(scores)))
    group = Neighbours(surroundings(photos)).groups(found.limit, found.size)
    return decide_together(scores, group, members.attributes), found


def _photos(pixels: np.ndarray, rows: np.ndarray) -> Iterable[np.ndarray]:
    return (pixels[row] for row in rows.tolist())
