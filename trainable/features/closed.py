"""Linear heads in closed form: shrunk linear discriminant, and ridge regression on one target a class.

Both shrink a covariance S towards the identity: (1 - shrinkage) S + shrinkage mean(diag S) I, so that one number from 0
to 1 means the same for every network. They equal scikit-learn's LinearDiscriminantAnalysis(solver="lsqr", shrinkage=)
and RidgeClassifier(alpha=, class_weight=).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from trainable.errors import InputError
from trainable.features.moments import Statistics

NEVER = -1e4  # the bias of a class without training rows: its probability is 0, and no arithmetic on it is undefined


@dataclass(frozen=True, eq=False)
class Linear:
    """Logits X @ weight.T + bias of features X [n, D]; weight float64[C, D], bias float64[C]."""

    weight: np.ndarray
    bias: np.ndarray

    def logits(self, values: np.ndarray) -> np.ndarray:
        """float [n, C], in the precision of the features."""
        return values @ self.weight.T.astype(values.dtype) + self.bias.astype(values.dtype)

    def times(self, scale: float) -> Self:
        """The head with its logits multiplied."""
        return type(self)(self.weight * scale, self.bias * scale)


def lda(statistics: Statistics, shrinkage: float) -> Linear:
    """Linear discriminant of classes with one covariance, the mean of the classes' own; priors as the rows weigh.

    Source: Friedman 1989, Regularized Discriminant Analysis, with one covariance.
    """
    there = statistics.counts > 0
    means = statistics.means
    weight = _solve(_shrunk(statistics.within, shrinkage, statistics.width), means.T, shrinkage).T
    priors = np.log(np.maximum(statistics.counts, 1e-300) / statistics.total)
    bias = priors - 0.5 * (means * weight).sum(1)
    return Linear(np.where(there[:, None], weight, 0.0), np.where(there, bias, NEVER))


def ridge(statistics: Statistics, shrinkage: float) -> Linear:
    """Least squares on one target a class (1 for its rows, -1 for others), with a penalty; the intercept has none."""
    there, total = statistics.counts > 0, statistics.total
    scatter = statistics.scatter
    targets = 2 * statistics.counts / total - 1  # the mean of each class's target
    crossed = 2 * statistics.sums - statistics.sums.sum(0) - total * np.outer(targets, statistics.mean)
    weight = (1 - shrinkage) * _solve(_shrunk(scatter, shrinkage, statistics.width), crossed.T, shrinkage).T
    bias = targets - weight @ statistics.mean
    return Linear(np.where(there[:, None], weight, 0.0), np.where(there, bias, NEVER))


CLOSED: dict[str, Callable[[Statistics, float], Linear]] = {"lda": lda, "ridge": ridge}


def alpha(statistics: Statistics, shrinkage: float) -> float:
    """scikit-learn's penalty `alpha` of a ridge head with this shrinkage."""
    return float(np.trace(statistics.scatter) / statistics.width * shrinkage / (1 - shrinkage))


def _shrunk(covariance: np.ndarray, shrinkage: float, width: int) -> np.ndarray:
    found = (1 - shrinkage) * covariance
    found[np.diag_indices_from(found)] += shrinkage * np.trace(covariance) / width
    return found


def _solve(matrix: np.ndarray, right: np.ndarray, shrinkage: float) -> np.ndarray:
    try:
        return cho_solve(cho_factor(matrix, overwrite_a=True, check_finite=False), right, check_finite=False)
    except LinAlgError:
        raise InputError(
            f"head.shrinkage: received {shrinkage}, which leaves the covariance of the features singular; allowed: more"
        ) from None
