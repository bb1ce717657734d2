"""What to say of folds before anything trains on them: a class that a network never sees, sizes that lie far apart."""

import numpy as np

from trainable.data.folds import Folds
from trainable.data.manifest import Manifest
from trainable.words import few

UNEVEN = 2  # times as many scored rows in the largest fold as in the smallest


def fold_warnings(manifest: Manifest, folds: Folds) -> list[str]:
    """A sentence for each fold whose training part lacks a class, and one where folds are of very different sizes."""
    return [f"warning: {sentence}" for sentence in (*_missing_classes(manifest, folds), *_uneven(manifest, folds))]


def _missing_classes(manifest: Manifest, folds: Folds) -> list[str]:
    """Of a fold whose training part lacks a class: its network can never predict that class."""
    found = []
    for k in range(folds.count):
        present = set(manifest.labels[folds.train_rows(k)].tolist())
        lacking = [name for label, name in enumerate(manifest.classes) if label not in present]
        if lacking:
            found.append(f"fold {k} has no training image of class {few(lacking)}")
    return found


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
