"""Which photos look alike around the face."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

GRID = (16, 12)  # the photo, reduced to this many cells (height, width)
NEIGHBOURS = 8


def surroundings(photos: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Features float32 [N, F] of N photos uint8 [H, W, 3]: colours along the border, less the photo's mean there.

    Their distance is in grey levels: photos that differ by one in every cell are 1 apart.
    """
    border = np.zeros(GRID, bool)
    border[:, :3] = border[:, -3:] = border[:2] = border[-3:] = True
    found = []
    for photo in photos:
        cells = cv2.resize(photo, GRID[::-1], interpolation=cv2.INTER_AREA)[border].astype(np.float32)
        found.append((cells - cells.mean()).ravel())
    features = np.stack(found)
    return np.asarray(features / np.float32(np.sqrt(features.shape[1])))


class Neighbours:
    """Pairs of photos that lie near each other in features float32 [N, F].

    distances: float[P], rising. pairs: int64 [P, 2], the photos of each.
    """

    def __init__(self, features: NDArray[np.float32]) -> None:
        self.count = len(features)
        near = min(NEIGHBOURS, len(features) - 1)
        distances, others = NearestNeighbors(n_neighbors=near, algorithm="brute").fit(features).kneighbors()
        rows = np.repeat(np.arange(self.count), others.shape[1])
        order = np.argsort(distances.ravel(), kind="stable")
        self.distances = distances.ravel()[order]
        self.pairs = np.stack([rows, others.ravel()], 1)[order]

    def groups(self, limit: float, size: int) -> NDArray[np.int64]:
        """A group number int64[N] for each photo: pairs up to distance `limit` are joined, at most `size` together."""
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
