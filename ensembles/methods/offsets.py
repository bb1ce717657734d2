"""Thresholds on top of the greedy vote: argmax(log p - offset), an offset a class, by ascent on a metric of counts.

Macro-F1, for one, wants rare classes predicted more often than the largest probability does (Lipton, Elkan,
Naryanaswamy, "Optimal Thresholding of Classifiers to Maximize F1 Measure", 2014); of two classes the offsets are the
one threshold. Metrics of probabilities have no use for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from ensembles.methods.vote import apply_vote, fit_greedy
from trainable.data.grid import Grid
from trainable.metrics import Metric, credit_of

GRID = np.linspace(-1.5, 1.5, 61)  # a class may count up to 4.5 times as much or as little
GAIN = 1e-4  # smaller steps fit single rows
STEPS = 40
FLOOR = 1e-12


def fit_offsets(scores: Scores, labels: Array, metric: Metric) -> NDArray[np.float64]:
    """Offsets float64[C], one a class, that raise a metric of counts of scores [N, C] on labels int[N].

    Each step changes the one offset whose best value on the grid helps most, so that the order of the classes plays no
    part; it ends when no change helps by GAIN.
    """
    logs = np.log(np.maximum(scores, FLOOR))
    classes = scores.shape[1]
    offsets = np.zeros(classes)
    now = -np.inf
    for _ in range(STEPS):
        found = [_best_value(logs - offsets, logs[:, c], labels, c, metric) for c in range(classes)]
        best = int(np.argmax([round(score, 12) for score, _ in found]))
        if found[best][0] < now + GAIN:
            break
        now = found[best][0]
        offsets[best] = found[best][1]
    return offsets


def _best_value(adjusted: Scores, logs: Scores, labels: Array, c: int, metric: Metric) -> tuple[float, float]:
    """The best score that class c's offset can give, and the value on the grid that gives it.

    adjusted [N, C]: log-scores less the offsets so far; logs [N]: class c's log-scores. Among values that are equally
    good the one nearest to 0. A row is predicted as c while the offset is below a limit of its own: counting the rows
    by their limits gives the counts for every value of the grid at once.
    """
    assert metric.counts is not None
    power = metric.counts.power
    classes = adjusted.shape[1]
    rivals = adjusted.copy()
    rivals[:, c] = -np.inf
    rival = rivals.argmax(axis=1)
    limit = logs - rivals.max(axis=1)
    level = np.searchsorted(GRID, limit)  # the row is c's at grid values 0..level-1
    steps = len(GRID) + 1
    to_rival, of_rival = level * classes + rival, credit_of(labels, rival, power)
    lost = np.bincount(to_rival, minlength=steps * classes).reshape(steps, classes)
    lost_credit = np.bincount(to_rival, of_rival, steps * classes).reshape(steps, classes)
    own = credit_of(labels, c, power)
    won = np.bincount(level, minlength=steps)
    won_credit = np.bincount(level, own, steps)
    predicted = lost.cumsum(axis=0)[:-1]  # rows with level <= g have gone to their rivals at grid value g
    credit = lost_credit.cumsum(axis=0)[:-1]
    predicted[:, c] = len(labels) - won.cumsum()[:-1]
    credit[:, c] = own.sum() - won_credit.cumsum()[:-1]
    score = metric.counts.formula(credit, predicted, np.bincount(labels, minlength=classes))
    near = np.flatnonzero(score >= score.max() - 1e-12)
    best = int(near[np.argmin(np.abs(GRID[near]))])
    return float(score[best]), float(GRID[best])


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    vote = fit_greedy(probabilities, labels, context)
    return {**vote, "offsets": fit_offsets(apply_vote(probabilities, vote), labels, context.metric).tolist()}


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    vote = apply_vote(probabilities, parameters)
    return normalised(np.maximum(vote, FLOOR) * np.exp(-np.array(parameters["offsets"])))


def _unfit(metric: Metric, attributes: Grid) -> str:
    return "" if metric.counts is not None else "thresholds are for metrics of counts"


CLASS_OFFSETS = Method("class_offsets", _fit, _apply, _unfit)
