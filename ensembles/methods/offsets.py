"""Per-class offsets on top of the greedy vote: argmax(log p - offset), by ascent on macro-F1.

Macro-F1 wants rare classes predicted more often than the largest probability does (Lipton, Elkan, Naryanaswamy,
"Optimal Thresholding of Classifiers to Maximize F1 Measure", 2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from ensembles.methods.vote import apply_vote, fit_greedy
from trainable.metrics import f1_from_counts

GRID = np.linspace(-1.5, 1.5, 61)  # a class may count up to 4.5 times as much or as little
GAIN = 1e-4  # smaller steps fit single rows
STEPS = 40
FLOOR = 1e-12


def fit_offsets(scores: Scores, labels: Array) -> NDArray[np.float64]:
    """Offsets float64[C], one a class, that raise the macro-F1 of scores [N, C] on labels int[N].

    Each step changes the one offset whose best value on the grid helps most, so that the order of the classes plays no
    part; it ends when no change helps by GAIN.
    """
    logs = np.log(np.maximum(scores, FLOOR))
    classes = scores.shape[1]
    offsets = np.zeros(classes)
    now = -1.0
    for _ in range(STEPS):
        found = [_best_value(logs - offsets, logs[:, c], labels, c) for c in range(classes)]
        best = int(np.argmax([round(score, 12) for score, _ in found]))
        if now >= 0 and found[best][0] < now + GAIN:
            break
        now = found[best][0]
        offsets[best] = found[best][1]
    return offsets


def _best_value(adjusted: Scores, logs: Scores, labels: Array, c: int) -> tuple[float, float]:
    """The best macro-F1 that class c's offset can give, and the value on the grid that gives it.

    adjusted [N, C]: log-scores less the offsets so far; logs [N]: class c's log-scores. Among values that are equally
    good the one nearest to 0. A row is predicted as c while the offset is below a limit of its own: counting the rows
    by their limits gives the confusion for every value of the grid at once.
    """
    classes = adjusted.shape[1]
    rivals = adjusted.copy()
    rivals[:, c] = -np.inf
    rival = rivals.argmax(axis=1)
    limit = logs - rivals.max(axis=1)
    level = np.searchsorted(GRID, limit)  # the row is c's at grid values 0..level-1
    steps = len(GRID) + 1
    lost = np.bincount(level * classes + rival, minlength=steps * classes).reshape(steps, classes)
    right = rival == labels
    lost_hits = np.bincount((level * classes + rival)[right], minlength=steps * classes).reshape(steps, classes)
    won = np.bincount(level, minlength=steps)
    won_hits = np.bincount(level[labels == c], minlength=steps)
    predicted = lost.cumsum(axis=0)[:-1]  # rows with level <= g have gone to their rivals at grid value g
    hits = lost_hits.cumsum(axis=0)[:-1]
    predicted[:, c] = len(labels) - won.cumsum()[:-1]
    hits[:, c] = (labels == c).sum() - won_hits.cumsum()[:-1]
    score = f1_from_counts(hits, predicted, np.bincount(labels, minlength=classes)).mean(axis=1)
    near = np.flatnonzero(score >= score.max() - 1e-12)
    best = int(near[np.argmin(np.abs(GRID[near]))])
    return float(score[best]), float(GRID[best])


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    vote = fit_greedy(probabilities, labels, context)
    return {**vote, "offsets": fit_offsets(apply_vote(probabilities, vote), labels).tolist()}


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    vote = apply_vote(probabilities, parameters)
    return normalised(np.maximum(vote, FLOOR) * np.exp(-np.array(parameters["offsets"])))


CLASS_OFFSETS = Method("class_offsets", _fit, _apply)
