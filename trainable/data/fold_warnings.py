"""What to say of folds before anything trains on them: a class that a network never sees, sizes that lie far apart."""

import numpy as np

from trainable.data.folds import Folds
from trainable.data.manifest import Manifest
from trainable.words import few

UNEVEN = 2  # times as many scored rows in the largest fold as in the smallest


def fold_warnings(manifest: Manifest, folds: Folds) -> list[str]:
    """A sentence for each fold whose training part lacks a class, one where others are scored without some class, and
    one where folds are of very different sizes.
    """
    warned = [f"warning: {sentence}" for sentence in (*_missing_classes(manifest, folds), *_uneven(manifest, folds))]
    return [*warned, *(f"note: {sentence}" for sentence in _unscored_classes(manifest, folds))]


def _missing_classes(manifest: Manifest, folds: Folds) -> list[str]:
    """Of a fold whose training part lacks a class: its network can never predict that class."""
    found = []
    for k in range(folds.count):
        present = set(manifest.labels[folds.train_rows(k)].tolist())
        lacking = [name for label, name in enumerate(manifest.classes) if label not in present]
        if lacking:
            found.append(f"fold {k} has no training image of class {few(lacking)}")
    return found


def _unscored_classes(manifest: Manifest, folds: Folds) -> list[str]:
    """Of folds without a scored row of a class that others have: their own macro-F1 cannot be 1."""
    scored = set(manifest.labels[folds.scored].tolist())
    lacking = {}
    for k in range(folds.count):
        present = set(manifest.labels[folds.valid_rows(k)].tolist())
        if absent := [name for label, name in enumerate(manifest.classes) if label in scored - present]:
            lacking[k] = absent
    if not lacking:
        return []
    first, absent = next(iter(lacking.items()))
    return [
        f"{len(lacking)} of {folds.count} folds are scored without some class (fold {first} without {few(absent)}), "
        "which counts as 0 in a fold's own macro-F1; a trial's score is over the rows of all folds"
    ]


def _uneven(manifest: Manifest, folds: Folds) -> list[str]:
    """Of folds whose sizes lie far apart, usually by one group: the network of the largest learns from few."""
    sizes = np.bincount(folds.fold[folds.scored], minlength=folds.count)
    if sizes.max() <= UNEVEN * sizes.min():
        return []
    groups = manifest.frame["group"][folds.scored].value_counts()
    largest, left = int(sizes.argmax()), int(sizes.sum() - sizes.max())
    return [
        f"folds of {', '.join(map(str, sizes.tolist()))} images: the network of fold {largest} learns from {left:,} "
        f"and is scored on {sizes.max():,}; the largest group, {groups.index[0]!r}, has {groups.iloc[0]:,}"
    ]
