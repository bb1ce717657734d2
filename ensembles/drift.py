"""Do the test images look like the training images to the ensemble? Predicted classes and confidence, compared.

The training images have the out-of-fold vote, the test images the vote of each fold's models: neither is a mean over
folds, which would lower the confidence. How much two sets without drift differ is read from groups drawn anew: sets of
as many training images as there are test images, by whole groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

REPLICATES = 500
LEVEL = 0.99  # of the drawn sets a warning would have been wrong about 1 in 100


@dataclass(frozen=True)
class Drift:
    """How far the predictions on the test images are from those on the training images.

    distance: total variation between the shares of predicted classes, 0 to 1. drop: how much lower the mean confidence
    is. Of sets without drift one in a hundred passes the limit of either. changes: float64[C], each class's share on
    the test images less that on the training images.
    """

    distance: float
    distance_limit: float
    drop: float
    drop_limit: float
    changes: NDArray[np.float64]

    def sentences(self, classes: tuple[str, ...]) -> list[str]:
        """One warning for each limit that is passed."""
        found = []
        if self.distance > self.distance_limit:
            worst = np.argsort(-np.abs(self.changes))[:3]
            moved = ", ".join(f"{classes[c]} {100 * self.changes[c]:+.1f}" for c in worst)
            found.append(
                f"drift: the test images' predicted classes differ from training's by {100 * self.distance:.1f} % "
                f"(usual: up to {100 * self.distance_limit:.1f} %); most, in points: {moved}"
            )
        if self.drop > self.drop_limit:
            found.append(
                f"drift: mean confidence is {100 * self.drop:.1f} points lower on the test images than in training "
                f"(usual: up to {100 * self.drop_limit:.1f})"
            )
        return found


def measure_drift(train: NDArray[Any], groups: NDArray[Any], test: NDArray[Any], seed: int = 0) -> Drift:
    """Compare the out-of-fold vote on N training images with the votes of each fold's models on M test images.

    train [N, C]; groups [N], of the training images; test [K, M, C]; seed: of the sets that are drawn.
    """
    classes = train.shape[1]
    _, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((group.max() + 1, classes + 2))  # predictions of each class, confidence, images
    np.add.at(counts, (group, train.argmax(1)), 1)
    np.add.at(counts, (group, classes), train.max(1))
    np.add.at(counts, (group, classes + 1), 1)
    shares, confidence = _shares(counts.sum(0))
    tested = np.bincount(test.argmax(2).ravel(), minlength=classes) / test[..., 0].size
    # One set stands for the training images, one, as large as the test set, for test images without drift.
    random = np.random.default_rng(seed)
    size = len(counts)
    drawn = max(1, round(size * test.shape[1] / len(train)))
    even = np.full(size, 1 / size)
    one_shares, one_confidence = _shares(random.multinomial(size, even, REPLICATES) @ counts)
    two_shares, two_confidence = _shares(random.multinomial(drawn, even, REPLICATES) @ counts)
    return Drift(
        distance=float(np.abs(tested - shares).sum() / 2),
        distance_limit=float(np.quantile(np.abs(one_shares - two_shares).sum(1) / 2, LEVEL)),
        drop=float(confidence - test.max(2).mean()),
        drop_limit=float(np.quantile(one_confidence - two_confidence, LEVEL)),
        changes=tested - shares,
    )


def _shares(counts: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Class shares [..., C] and mean confidence [...] of counts [..., C + 2]."""
    images = counts[..., -1:]
    return counts[..., :-2] / images, counts[..., -2] / images[..., 0]
