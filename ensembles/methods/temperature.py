"""A temperature per member, then greedy selection.

Members trained with mixup, label smoothing or focal loss differ in sharpness, and the sharp ones shout the
others down. Each member's probabilities become p ** (1 / temperature), with the temperature that minimises its
own log loss (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
"""

from __future__ import annotations

import numpy as np

from ensembles.methods.base import Array, Context, Method, Parameters, Scores
from ensembles.methods.vote import apply_vote, fit_greedy

LOW, HIGH = 0.25, 4.0
ROWS = 4000  # enough for one number; more would only cost time
FLOOR = 1e-7
STEPS = 20  # golden-section steps: log(16) * 0.618 ** 20 leaves 2e-4


def sharpened(member: Array, temperature: float) -> Array:
    """float32[N, C]: member [N, C] raised to 1 / temperature, rows summing to 1."""
    logs = np.log(np.maximum(member.astype(np.float32), FLOOR)) / np.float32(temperature)
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def best_temperature(member: Array, labels: Array) -> float:
    """Temperature in LOW..HIGH with the least log loss on member [N, C], by golden section on its logarithm."""
    rows = np.linspace(0, len(labels) - 1, min(ROWS, len(labels))).astype(int)
    logs = np.log(np.maximum(member[rows].astype(np.float64), FLOOR))
    logs -= logs.max(axis=1, keepdims=True)
    hits = float(logs[np.arange(len(rows)), labels[rows]].mean())

    def loss(power: float) -> float:
        return float(np.log(np.exp(logs * np.exp(power)).sum(axis=1)).mean()) - hits * float(np.exp(power))

    ratio = (np.sqrt(5.0) - 1) / 2
    low, high = -np.log(HIGH), -np.log(LOW)
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return float(np.exp(-(low + high) / 2))


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    temperatures = [best_temperature(member, labels) for member in probabilities]
    cooled = np.stack([sharpened(m, t) for m, t in zip(probabilities, temperatures, strict=True)])
    return {**fit_greedy(cooled, labels, context), "temperatures": temperatures}


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    pairs = zip(probabilities, parameters["temperatures"], parameters["weights"], strict=True)
    used = [sharpened(member, temperature) for member, temperature, weight in pairs if weight]
    return apply_vote(np.stack(used), {"weights": [weight for weight in parameters["weights"] if weight]})


TEMPERATURE_GREEDY = Method("temperature_greedy", _fit, _apply)
