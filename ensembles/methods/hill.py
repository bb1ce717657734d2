"""Hill climbing with negative weights: a member may be subtracted where others make the same mistakes.

From the best member on, the vote is (1 - w) vote + w member for whichever member and w raises the metric most, until
none does. The usual form of it on Kaggle (Matt Motoki's `hillclimbers`); greedy selection is the case of w = 1 / k.
"""

from __future__ import annotations

import numpy as np

from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from ensembles.methods.vote import best_members, shares, weighted_sum
from trainable.data.grid import Grid
from trainable.metrics import Metric

AMONG = 20  # the best members
STEPS = 20
MOVES = (-0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.5)
LEAST = 1e-9  # of what a step must gain


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    """signed: a weight of any sign for each member, they sum to 1; weights: their sizes."""
    best = best_members(probabilities, labels, context.metric, AMONG)
    signed = np.array(shares(best[:1], len(probabilities)))
    vote = probabilities[best[0]].astype(np.float64)
    score = context.metric.score(labels, _positive(vote))
    for _ in range(STEPS):
        tried = {
            (t, w): context.metric.score(labels, _positive((1 - w) * vote + w * probabilities[t]))
            for t in best
            for w in MOVES
        }
        (t, w), found = max(tried.items(), key=lambda item: item[1])
        if found < score + LEAST:
            break
        score, vote = found, (1 - w) * vote + w * probabilities[t]
        signed *= 1 - w
        signed[t] += w
    return {"weights": np.abs(signed).tolist(), "signed": signed.tolist()}


def _positive(vote: Scores) -> Scores:
    return normalised(np.maximum(vote, 0))


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    return _positive(weighted_sum(probabilities, parameters["signed"]))


def _unfit(metric: Metric, attributes: Grid) -> str:
    return "it would call the metric for every member and weight of every step" if metric.called else ""


HILL_CLIMB = Method("hill_climb", _fit, _apply, _unfit, compared=False)
"""Not compared by `auto`: it searches on the metric, as greedy selection does, and is fitted for minutes."""
