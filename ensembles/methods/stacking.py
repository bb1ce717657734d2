"""Stacking: a logistic regression on the log-probabilities of the best few members, shrunk towards their pool.

Wolpert, "Stacked Generalization", 1992. What the regression adds to the geometric mean of the members is a matrix a
member, so that a class may be believed less where another is likely too, and a class of which members say too little
gets more. The matrices' prior is normal around nothing: with few rows it stays near the mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from ensembles.methods.base import Array, Context, Method, Parameters, Scores
from ensembles.methods.log_pool import FLOOR
from ensembles.methods.vote import best_members, shares
from trainable.data.grid import Grid
from trainable.metrics import Metric

PENALTY = 10.0  # half of it times the squares of all coefficients, on standardised inputs
MOST_CLASSES = 60  # a coefficient a member and pair of classes
STEPS = 200


def logs_of(probabilities: Array) -> NDArray[np.float64]:
    """Logarithms [..., C], none of which is infinite."""
    return np.log(np.maximum(probabilities.astype(np.float64), FLOOR))


def fit_beside(
    probabilities: Array, labels: Array, best: list[int], beside: NDArray[np.float64]
) -> tuple[Parameters, NDArray[np.float64]]:
    """The regression on the members `best` and on further inputs [N, E]; of these the coefficients [E, C].

    The parameters: scale, power of the geometric mean; bias [C]; coefficients, of each of the best few [C, C], of
    others empty. Further inputs are standardised by whoever made them: 0 is what is not known.
    """
    logs = logs_of(probabilities[best])
    pool, rows = logs.mean(axis=0), np.arange(len(labels))
    inputs = np.concatenate(list(logs - logs.mean(axis=2, keepdims=True)), axis=1)
    middle, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-9
    inputs = np.c_[(inputs - middle) / spread, beside, np.ones(len(inputs))]
    classes, width, of_votes = probabilities.shape[2], inputs.shape[1], len(middle)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, matrix = np.exp(values[0]), values[1:].reshape(width, classes)
        told = log_softmax(scale * pool + inputs @ matrix, axis=1)
        wrong = np.exp(told)
        wrong[rows, labels] -= 1
        slope = np.r_[scale * (wrong * pool).sum(), (inputs.T @ wrong + PENALTY * matrix).ravel()]
        return -float(told[rows, labels].sum()) + PENALTY / 2 * float((matrix**2).sum()), slope

    found = minimize(loss, np.zeros(1 + width * classes), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    matrix = found[1:].reshape(width, classes)
    own = matrix[:of_votes] / spread[:, None]
    coefficients: list[list[list[float]]] = [[] for _ in probabilities]
    for t, part in zip(best, own.reshape(len(best), classes, classes), strict=True):
        coefficients[t] = part.tolist()
    return {
        "weights": shares(best, len(probabilities)),
        "scale": float(np.exp(found[0])),
        "bias": (matrix[-1] - middle @ own).tolist(),
        "coefficients": coefficients,
    }, matrix[of_votes:-1]


def logits(probabilities: Array, parameters: Parameters) -> Scores:
    """What the votes alone say, [M, C]."""
    total = np.tile(np.array(parameters["bias"]), (probabilities.shape[1], 1))
    best = [t for t, weight in enumerate(parameters["weights"]) if weight]
    for t in best:
        logs = logs_of(probabilities[t])
        total += parameters["scale"] / len(best) * logs
        total += (logs - logs.mean(axis=1, keepdims=True)) @ np.array(parameters["coefficients"][t])
    return total


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    best = best_members(probabilities, labels, context.metric)
    return fit_beside(probabilities, labels, best, np.zeros((len(labels), 0)))[0]


def apply_stacking(probabilities: Array, parameters: Parameters) -> Scores:
    """Scores [M, C], of votes alone."""
    return np.asarray(softmax(logits(probabilities, parameters), axis=1))


def unfit(metric: Metric, attributes: Grid) -> str:
    """Why no regression is fitted, or nothing."""
    return "a coefficient for each pair of classes" if len(metric.classes) > MOST_CLASSES else ""


STACKING = Method("stacking", _fit, apply_stacking, unfit, compared=False)
"""Not compared by `auto`, which it made no better on the choosing part: docs/decisions/039-methods-by-name.md."""
