"""A temperature for each member, then greedy selection: members are calibrated before they are chosen.

Members that were trained with mixup, label smoothing or focal loss differ in how sharp their probabilities are, and
in a mean the sharp ones outweigh the others. Each member's probabilities become p ** (1 / temperature), with the
temperature that minimises its own log loss (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from ensembles.methods.base import Array, Context, Method, Parameters, Scores
from ensembles.methods.vote import apply_vote, fit_greedy

LOW, HIGH = 0.25, 4.0
ROWS = 4000  # enough for one number; more would only cost time
FLOOR = 1e-7
EXACT = 1e-4  # of the logarithm of a temperature


def sharpened(member: Array, temperature: float) -> Array:
    """A member's probabilities [N, C] to the power of 1 / temperature, as float32[N, C] whose rows sum to 1."""
    logs = np.log(np.maximum(member.astype(np.float32), FLOOR)) / np.float32(temperature)
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def best_temperature(member: Array, labels: Array) -> float:
    """The temperature from LOW to HIGH with which a member's probabilities [N, C] have the least log loss on int[N]."""
    rows = np.linspace(0, len(labels) - 1, min(ROWS, len(labels))).astype(int)
    logs = np.log(np.maximum(member[rows].astype(np.float64), FLOOR))
    logs -= logs.max(axis=1, keepdims=True)
    hits = float(logs[np.arange(len(rows)), labels[rows]].mean())

    def loss(log_temperature: float) -> float:
        power = float(np.exp(-log_temperature))
        return float(np.log(np.exp(logs * power).sum(axis=1)).mean()) - hits * power

    bounds = (np.log(LOW), np.log(HIGH))
    found = minimize_scalar(loss, method="bounded", bounds=bounds, options={"xatol": EXACT})
    return float(np.exp(found.x))


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    temperatures = [best_temperature(member, labels) for member in probabilities]
    cooled = np.stack([sharpened(m, t) for m, t in zip(probabilities, temperatures, strict=True)])
    return {**fit_greedy(cooled, labels, context), "temperatures": temperatures}


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    pairs = zip(probabilities, parameters["temperatures"], parameters["weights"], strict=True)
    used = [sharpened(member, temperature) for member, temperature, weight in pairs if weight]
    return apply_vote(np.stack(used), {"weights": [weight for weight in parameters["weights"] if weight]})


TEMPERATURE_GREEDY = Method("temperature_greedy", _fit, _apply)
