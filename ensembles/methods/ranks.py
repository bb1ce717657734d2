"""Rank averaging: the mean of what members say, each on the scale of its own ranks.

What training did to a member's sharpness is gone: a probability counts for the share of the member's own out-of-fold
probabilities, of all rows and classes, that are not above it. The common trick of Kaggle's ensembling guide
(https://mlwave.com/kaggle-ensembling-guide/), kept as a table of levels so that new photos need no others beside them.
"""

from __future__ import annotations

import numpy as np

from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from ensembles.methods.vote import best_members, shares
from trainable.data.grid import Grid
from trainable.metrics import Metric

LEVELS = 201
STEP = 1e-9  # so that of two probabilities the larger always counts for more


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    """weights: equal shares of the best few. levels, ranks: of each of these, float [L] ascending; else empty."""
    best = best_members(probabilities, labels, context.metric)
    levels: list[list[float]] = [[] for _ in probabilities]
    ranks: list[list[float]] = [[] for _ in probabilities]
    for t in best:
        cells = np.sort(probabilities[t].ravel().astype(np.float64))
        own = np.unique(np.r_[0.0, np.quantile(cells, np.linspace(0, 1, LEVELS)), 1.0])
        levels[t] = own.tolist()
        ranks[t] = (np.searchsorted(cells, own, side="right") / len(cells) + STEP * np.arange(len(own))).tolist()
    return {"weights": shares(best, len(probabilities)), "levels": levels, "ranks": ranks}


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    total = np.zeros(probabilities.shape[1:])
    for member, weight, levels, ranks in zip(
        probabilities, parameters["weights"], parameters["levels"], parameters["ranks"], strict=True
    ):
        if weight:
            total += np.interp(member, levels, ranks)
    return normalised(total)


def _unfit(metric: Metric, attributes: Grid) -> str:
    return "ranks are no probabilities" if metric.name in ("log_loss", "brier") else ""


RANK_MEAN = Method("rank_mean", _fit, _apply, _unfit, compared=False)
"""Not compared by `auto`: on the choosing part of benchmarks.vote it was ahead of the geometric mean nowhere."""
