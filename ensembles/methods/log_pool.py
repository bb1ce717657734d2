"""Log-linear pool: a weight of at least 0 for each member's log-probabilities, fitted to the log loss.

The product of the members' probabilities, each to the power of its weight (Genest, Zidek, "Combining Probability
Distributions", 1986): powers undo what training did to a member's sharpness, and correlated members share what one of
them would get. The log loss uses by how much each row is right, where macro-F1 counts only whether it is, so that the
weights move far less with the rows they are fitted on than those of a search on macro-F1.

Newton's method on a convex loss; the weights' prior is normal around the geometric mean of all (1 / T each) and so
wide that their sum has deviation 1. Read in blocks of rows: no copy of the members is made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised

FLOOR = 1e-6  # a member that is certain cannot veto a class alone
BLOCK = 2**22  # cells of the members that are read at once
STEPS = 30
CONVERGED = 1e-10  # of the loss, a row


def powers(probabilities: Array, weights: NDArray[np.float64]) -> Scores:
    """The product of members [T, N, C], each to the power of its weight [T]: float64[N, C] whose rows sum to 1."""
    total = np.zeros(probabilities.shape[1:])
    for member, weight in zip(probabilities, weights, strict=True):
        if weight:
            total += weight * np.log(np.maximum(member.astype(np.float64), FLOOR))
    return normalised(np.exp(total - total.max(axis=1, keepdims=True)))


def fit_weights(probabilities: Array, labels: Array) -> NDArray[np.float64]:
    """Weights float64[T] of 0 or more for members [T, N, C] and labels int[N].

    They minimise the log loss, summed over the rows, plus T / 2 times the squared distance of the weights from 1 / T.
    """
    members = len(probabilities)
    prior = np.full(members, 1 / members)
    weights, (loss, slope, curve) = prior, _loss(probabilities, labels, prior)
    for _ in range(STEPS):
        slope = slope + members * (weights - prior)
        rounding = 1e-6 * curve.diagonal().max()  # float32's must not make it indefinite
        root = np.linalg.cholesky(curve + (members + rounding) * np.eye(members))
        target = nnls(root.T, root.T @ weights - np.linalg.solve(root, slope))[0]
        step = 1.0
        while True:  # the loss is convex: a short enough step lowers it
            tried = weights + step * (target - weights)
            found = _loss(probabilities, labels, tried)
            gain = loss - found[0] + members / 2 * (((weights - prior) ** 2).sum() - ((tried - prior) ** 2).sum())
            if gain >= 0 or step < 1e-3:
                break
            step /= 2
        if gain >= 0:
            weights, (loss, slope, curve) = tried, found
        if gain < CONVERGED * len(labels):
            break
    return np.asarray(weights)


def _loss(
    probabilities: Array, labels: Array, weights: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Log loss of the pool, its slope [T] and curvature [T, T], summed over the rows."""
    members, rows, classes = probabilities.shape
    loss, slope, curve = 0.0, np.zeros(members), np.zeros((members, members))
    size = max(1, BLOCK // (members * classes))
    for first in range(0, rows, size):
        block, true = probabilities[:, first : first + size], labels[first : first + size]
        logs = np.log(np.maximum(block.astype(np.float64), FLOOR))
        total = np.tensordot(weights, logs, 1)
        total -= total.max(axis=1, keepdims=True)
        guess = np.exp(total)
        sums = guess.sum(axis=1, keepdims=True)
        guess /= sums
        here = np.arange(len(true))
        loss += float((np.log(sums[:, 0]) - total[here, true]).sum())
        mean = np.einsum("tnc,nc->tn", logs, guess)
        slope += (mean - logs[:, here, true]).sum(axis=1)
        spread = ((logs - mean[:, :, None]) * np.sqrt(guess)).astype(np.float32).reshape(members, -1)
        curve += spread @ spread.T
    return loss, slope, curve


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    weights = fit_weights(probabilities, labels)
    # Members that all speak against the labels: no weight at all would be no vote.
    return {"weights": (weights if weights.any() else np.full(len(weights), 1 / len(weights))).tolist()}


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    return powers(probabilities, np.array(parameters["weights"]))


LOG_POOL = Method("log_pool", _fit, _apply)
