"""Which photos a frozen network takes for nearly the same, and which are like no other.

Nearly the same goes by cosines of features from which the mean over all photos is taken. Photos of clothes of different
senders (2,244 photos, 168 senders, lite0 at 128 px) come to .747 at most in 2.5 million pairs; a photo and its mirror
image, itself brighter, or saved at JPEG quality 30 to .91 in the middle and .83 in the lowest twentieth; cut to its
inner 80 % to .73. Perceptual hashes (trainable.data.hashes) find neither mirror images nor crops.
"""

from dataclasses import dataclass

import numpy as np

NEAR = 0.75  # cosine from which two photos are taken for nearly the same
MOST = 1000  # pairs that are kept
NEIGHBOURS = 5  # whose mean cosine says how much a photo is like others (Sun 2022, https://arxiv.org/abs/2204.06507)
BLOCK = 1024  # rows that are compared with all at once


@dataclass(frozen=True, eq=False)
class Resemblance:
    """pairs: (i, j, cosine) with i < j, the nearest first, MOST at most. likeness: float32[N], see `resemblance`."""

    pairs: list[tuple[int, int, float]]
    likeness: np.ndarray


def resemblance(values: np.ndarray, owner: np.ndarray, known: np.ndarray) -> Resemblance:
    """Of features [N, D] of photos that belong to owners int64[N].

    A photo's likeness is the mean cosine to the NEIGHBOURS nearest photos of other owners among those that are `known`
    bool[N], which are what can be learned from; NaN where there is none.
    """
    plain = values.astype(np.float32)
    unit, centred = _unit(plain), _unit(plain - plain.mean(0, dtype=np.float64).astype(np.float32))
    likeness, pairs = np.full(len(unit), np.nan, np.float32), []
    for first in range(0, len(unit), BLOCK):
        rows = np.arange(first, min(first + BLOCK, len(unit)))
        cosines = centred[rows] @ centred.T
        one, other = np.nonzero(np.triu(cosines >= NEAR, first + 1))
        pairs += list(zip((one + first).tolist(), other.tolist(), cosines[one, other].tolist(), strict=True))
        pairs = sorted(pairs, key=lambda pair: -pair[2])[:MOST]
        cosines = unit[rows] @ unit.T
        cosines[(owner[rows][:, None] == owner) | ~known] = np.nan
        nearest = -np.partition(-cosines, min(NEIGHBOURS, len(unit)) - 1)[:, :NEIGHBOURS]  # NaN comes last
        there = np.isfinite(nearest)
        likeness[rows] = np.where(there, nearest, 0).sum(1) / np.where(there.any(1), there.sum(1), np.nan)
    return Resemblance(pairs, likeness)


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
