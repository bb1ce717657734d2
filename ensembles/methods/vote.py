"""Weighted soft votes: the single best member, the mean of the best few, greedy selection."""

from __future__ import annotations

import numpy as np

from ensembles.greedy import greedy_selection, member_scores
from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from trainable.metrics import Metric

TOP = 5


def best_members(probabilities: Array, labels: Array, metric: Metric, top: int = TOP) -> list[int]:
    """Indices of the `top` members with the highest score of their own, best first; equals in their own order.

    probabilities [T, N, C], labels int[N]. A member whose probabilities are exactly those of one already taken is
    passed over: a run that is given twice would otherwise make the mean of five one of fewer.
    """
    order = np.argsort(-member_scores(probabilities, labels, metric), kind="stable")
    taken: list[int] = []
    for t in order.tolist():
        if len(taken) < top and not any(np.array_equal(probabilities[t], probabilities[other]) for other in taken):
            taken.append(t)
    return taken


def weighted_sum(probabilities: Array, weights: list[float]) -> Scores:
    """The sum float64[M, C] of probabilities [T, M, C] times weights [T], read one member at a time."""
    total = np.zeros(probabilities.shape[1:])
    for member, weight in zip(probabilities, weights, strict=True):
        if weight:
            total += member if weight == 1 else np.multiply(member, weight, dtype=np.float64)
    return total


def shares(members: list[int], count: int) -> list[float]:
    """A weight for each of `count` members: 1 for those named in `members`, 0 for the others."""
    return np.bincount(members, minlength=count).astype(float).tolist()


def apply_vote(probabilities: Array, parameters: Parameters) -> Scores:
    """The weighted mean of the members' probabilities; "weights" of the parameters need not sum to 1."""
    return normalised(weighted_sum(probabilities, parameters["weights"]))


def _fit_best(probabilities: Array, labels: Array, context: Context) -> Parameters:
    return {"weights": shares(best_members(probabilities, labels, context.metric, top=1), len(probabilities))}


def fit_mean(probabilities: Array, labels: Array, context: Context) -> Parameters:
    return {"weights": shares(best_members(probabilities, labels, context.metric), len(probabilities))}


def fit_greedy(probabilities: Array, labels: Array, context: Context) -> Parameters:
    """Greedy selection's counts as weights: sums of counts tie exactly where `greedy_selection` saw a tie."""
    chosen = greedy_selection(probabilities, labels, context.size, context.metric)
    return {"weights": chosen.counts.astype(float).tolist()}


BEST_SINGLE = Method("best_single", _fit_best, apply_vote)
MEAN_TOP = Method(f"mean_top{TOP}", fit_mean, apply_vote)
GREEDY = Method("greedy", fit_greedy, apply_vote)
