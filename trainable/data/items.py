"""Several photos of one thing that has one label: they train one by one, and are answered together.

Such a thing is an item. Of its photos the first is the row that is scored; the others are extra rows of its group, so
that they train where it does. What a network says of an item is the mean of what it says of its photos.
"""

from dataclasses import dataclass

import numpy as np

from trainable.data.manifest import ITEM, Manifest


@dataclass(frozen=True, eq=False)
class Photos:
    """The photos that answer rows of the manifest. rows: int64[P], of the manifest. owner: int64[P], which of the
    answered rows each is a photo of, rising; None where every row is its own photo."""

    rows: np.ndarray
    owner: np.ndarray | None

    def answers(self, probabilities: np.ndarray) -> np.ndarray:
        """What is said of the rows, float32 [M, C], from what is said of their photos [P, C]."""
        return probabilities if self.owner is None else mean_of_items(probabilities, self.owner)


def photos_of(manifest: Manifest, rows: np.ndarray) -> Photos:
    """The photos of the answered rows int64[M] of a manifest, those of the first row first."""
    if ITEM not in manifest.frame or not len(rows):
        return Photos(rows, None)
    item = manifest.frame[ITEM].to_numpy(np.int64)
    place = np.full(item.max() + 1, -1, np.int64)
    place[item[rows]] = np.arange(len(rows))
    owner = place[item]
    found = np.flatnonzero(owner >= 0)
    order = np.argsort(owner[found], kind="stable")
    return Photos(found[order], owner[found][order])


def mean_of_items(probabilities: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """float32 [..., M, C]: the mean over the photos of each item; probabilities [..., P, C], owner int64[P], rising."""
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    count = np.diff(np.r_[starts, len(owner)])
    total = np.add.reduceat(probabilities.astype(np.float64), starts, axis=-2)
    return np.asarray(total / count[:, None], np.float32)
