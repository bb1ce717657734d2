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
TRIED = 30  # classes that a step tries of those that could gain most, each way of counting it
FLOOR = 1e-12


def fit_offsets(scores: Scores, labels: Array, metric: Metric) -> NDArray[np.float64]:
    """Offsets float64[C], one a class, that raise a metric of counts of scores [N, C] on labels int[N].

    Each step changes the one offset whose best value on the grid helps most, so that the order of the classes plays no
    part; it ends when no change helps by GAIN. Of many classes only those that may gain most are tried in a step, so
    that its cost grows with N and C, not with their product times C.
    """
    logs = np.log(np.maximum(scores, FLOOR))
    offsets = np.zeros(scores.shape[1])
    adjusted, now = logs.copy(), -np.inf
    for _ in range(STEPS):
        first, second = _two_best(adjusted)
        tried = _promising(logs, adjusted, labels, first, second)
        found = [
            _best_value(logs[:, c], adjusted, labels, np.where(first == c, second, first), c, metric) for c in tried
        ]
        best = int(np.argmax([round(score, 12) for score, _ in found]))
        if found[best][0] < now + GAIN:
            break
        now, c = found[best][0], tried[best]
        offsets[c] = found[best][1]
        adjusted[:, c] = logs[:, c] - offsets[c]
    return offsets


def _two_best(adjusted: Scores) -> tuple[Array, Array]:
    """Each row's class of the highest score and, int[N], that of the next; the lower number where two are equal."""
    rows, first = np.arange(len(adjusted)), adjusted.argmax(axis=1)
    kept = adjusted[rows, first]
    adjusted[rows, first] = -np.inf
    second = adjusted.argmax(axis=1)
    adjusted[rows, first] = kept
    return first, second


def _promising(logs: Scores, adjusted: Scores, labels: Array, first: Array, second: Array) -> list[int]:
    """All classes, or the 2 TRIED whose offsets could mend most of their rows, by number and by share.

    A row can be mended by its label's offset, where the grid reaches far enough, or by that of the class that it is
    wrongly predicted as.
    """
    classes = logs.shape[1]
    if classes <= 2 * TRIED:
        return list(range(classes))
    rows, wrong = np.arange(len(labels)), first != labels
    won = wrong & (logs[rows, labels] - adjusted[rows, first] > GRID[0])
    lost = wrong & (logs[rows, first] - adjusted[rows, second] < GRID[-1])
    mended = np.bincount(labels[won], minlength=classes) + np.bincount(first[lost], minlength=classes)
    size = np.bincount(labels, minlength=classes) + np.bincount(first, minlength=classes)
    ways = (np.argsort(-order, kind="stable")[:TRIED] for order in (mended, mended / np.maximum(size, 1)))
    return sorted({int(c) for way in ways for c in way})


def _best_value(
    logs: Scores, adjusted: Scores, labels: Array, rival: Array, c: int, metric: Metric
) -> tuple[float, float]:
    """The best score that class c's offset can give, and the value on the grid that gives it.

    logs [N]: class c's log-scores; adjusted [N, C]: all log-scores less the offsets so far; rival int[N]: the best
    other class. Among values that are equally good the one nearest to 0. A row is predicted as c while the offset is
    below a limit of its own: counting the rows by their limits gives the counts for every value of the grid at once.
    Between values that are no row's limit nothing changes, so the metric is asked once for those.
    """
    assert metric.counts is not None
    power, classes = metric.counts.power, adjusted.shape[1]
    level = np.searchsorted(GRID, logs - adjusted[np.arange(len(labels)), rival])  # c's at grid values 0..level-1
    starts = np.unique(np.append(level, [0, len(GRID)]))  # the last ones beyond the grid
    place, steps = np.searchsorted(starts, level), len(starts)
    to_rival, of_rival = place * classes + rival, credit_of(labels, rival, power)
    lost = np.bincount(to_rival, minlength=steps * classes).reshape(steps, classes)
    lost_credit = np.bincount(to_rival, of_rival, steps * classes).reshape(steps, classes)
    own = credit_of(labels, c, power)
    won = np.bincount(place, minlength=steps)
    won_credit = np.bincount(place, own, steps)
    predicted = lost.cumsum(axis=0)[:-1]  # rows with level <= g have gone to their rivals at grid value g
    credit = lost_credit.cumsum(axis=0)[:-1]
    predicted[:, c] = len(labels) - won.cumsum()[:-1]
    credit[:, c] = own.sum() - won_credit.cumsum()[:-1]
    between = metric.counts.formula(credit, predicted, np.bincount(labels, minlength=classes))
    score = np.repeat(between, np.diff(starts))
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
