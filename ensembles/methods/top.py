"""Other votes of the best few members: by their first choices, and by the geometric mean."""

from __future__ import annotations

import numpy as np

from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from ensembles.methods.log_pool import powers
from ensembles.methods.vote import best_members, shares
from trainable.data.grid import Grid
from trainable.metrics import Metric


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    return {"weights": shares(best_members(probabilities, labels, context.metric), len(probabilities))}


def _apply_hard(probabilities: Array, parameters: Parameters) -> Scores:
    """The share of members whose most probable class it is; half a vote of mean probability decides between equals."""
    members = [probabilities[t] for t, weight in enumerate(parameters["weights"]) if weight]
    rows, classes = probabilities.shape[1:]
    votes = np.zeros((rows, classes))
    for member in members:
        votes[np.arange(rows), member.argmax(axis=1)] += 1
        votes += member.astype(np.float64) / (2 * len(members))
    return normalised(votes)


def _apply_geometric(probabilities: Array, parameters: Parameters) -> Scores:
    return powers(probabilities, np.array(parameters["weights"]) / sum(parameters["weights"]))


def _unfit_hard(metric: Metric, attributes: Grid) -> str:
    return "shares of votes are no probabilities" if metric.kind == "probabilities" else ""


HARD_VOTE = Method("hard_vote", _fit, _apply_hard, _unfit_hard)
GEOMETRIC_MEAN = Method("geometric_mean", _fit, _apply_geometric)
