"""Bagged greedy selection: the picks of greedy on many random halves of the groups, counted together.

Caruana, Munson, Niculescu-Mizil, "Getting the Most Out of Ensemble Selection", ICDM 2006. They bag over
members; bagging over groups of rows damps the same overfitting and does not depend on the order of the members.
"""

from __future__ import annotations

import numpy as np

from ensembles.greedy import greedy_selection
from ensembles.methods.base import Array, Context, Method, Parameters
from ensembles.methods.vote import apply_vote
from trainable.data.grid import Grid
from trainable.metrics import Metric

BAGS = 20
SIZE = 20


def fit_bagged(probabilities: Array, labels: Array, context: Context) -> Parameters:
    """Mean weights over the bags: each counts the same, however many picks its selection kept."""
    random = np.random.default_rng(context.seed)
    groups = np.arange(len(labels)) if context.groups is None else context.groups
    names, group = np.unique(groups, return_inverse=True)
    total = np.zeros(len(probabilities))
    for _ in range(BAGS):
        drawn = np.zeros(len(names), bool)
        drawn[random.permutation(len(names))[: (len(names) + 1) // 2]] = True
        rows = np.flatnonzero(drawn[group])
        total += greedy_selection(probabilities[:, rows], labels[rows], min(SIZE, context.size), context.metric).weights
    return {"weights": (total / BAGS).tolist()}


def _unfit(metric: Metric, attributes: Grid) -> str:
    return "it would call the metric for every candidate of twenty selections" if metric.called else ""


BAGGED_GREEDY = Method("bagged_greedy", fit_bagged, apply_vote, _unfit)
