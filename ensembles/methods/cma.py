"""Weights by CMA-ES on the metric, not normalised, started at the greedy vote.

Purucker, Beel, "CMA-ES for Post Hoc Ensembling in AutoML", AutoML 2023. Weights below 0 count as 0. Only the
members that greedy selection picked, and the best single ones, take part: the search costs and overfits with
every dimension.
"""

from __future__ import annotations

from collections.abc import Callable

import cmaes
import numpy as np

from ensembles.greedy import greedy_selection, member_scores
from ensembles.greedy.compiled import compiled
from ensembles.greedy.kernels import row_credit
from ensembles.methods.base import Array, Context, Method, Parameters, normalised
from ensembles.methods.vote import apply_vote, weighted_sum
from trainable.data.grid import Grid
from trainable.metrics import Metric

MEMBERS = 20
GENERATIONS = 40
SIGMA = 0.1  # weights start at greedy's shares, which sum to 1


@compiled
def _count(table: Array, weights: Array, labels: Array, power: int, counts: Array) -> None:
    """Adds to counts int64[B, 2, C] credit and predictions of the votes of weights [B, D] on table [D, N, C]."""
    votes = np.empty(table.shape[2])
    for n in range(table.shape[1]):
        for b in range(len(weights)):
            votes[:] = 0.0
            for d in range(table.shape[0]):
                for c in range(table.shape[2]):
                    votes[c] += weights[b, d] * table[d, n, c]
            winner = 0
            for c in range(table.shape[2]):
                if votes[c] > votes[winner]:
                    winner = c
            counts[b, 1, winner] += 1
            counts[b, 0, winner] += row_credit(labels[n], winner, power)


def scorer(table: Array, labels: Array, metric: Metric) -> Callable[[Array], Array]:
    """What votes score: of weights [B, D] for members float32 [D, N, C] and labels int64[N], float64[B]."""
    counted = metric.counts
    if counted is None:
        return lambda weights: np.array(
            [metric.score(labels, normalised(weighted_sum(table, w))) for w in np.maximum(weights, 0)]
        )
    true = np.bincount(labels, minlength=table.shape[2])

    def scores(weights: Array) -> Array:
        counts = np.zeros((len(weights), 2, table.shape[2]), np.int64)
        _count(table, np.maximum(weights, 0), labels, counted.power, counts)
        return np.asarray(counted.formula(counts[:, 0], counts[:, 1], true))

    return scores


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    members = len(probabilities)
    start = greedy_selection(probabilities, labels, context.size, context.metric).weights
    own = member_scores(probabilities, labels, context.metric)
    # in an order that does not depend on the members': the random draws then fall on the same ones
    taken = np.lexsort((-own, -start))[:MEMBERS]
    if len(taken) == 1:
        return {"weights": start.tolist()}
    table = np.ascontiguousarray(probabilities[taken], dtype=np.float32)
    scores = scorer(table, labels.astype(np.int64), context.metric)
    best, best_score = start[taken], float(scores(start[taken][None])[0])
    search = cmaes.CMA(mean=start[taken], sigma=SIGMA, seed=context.seed)
    for _ in range(GENERATIONS):
        drawn = np.array([search.ask() for _ in range(search.population_size)])
        found = scores(drawn).round(12)
        found[np.maximum(drawn, 0).sum(axis=1) == 0] = min(found.min(), 0.0) - 1  # no weight at all is no vote
        search.tell([(weights, -score) for weights, score in zip(drawn, found.tolist(), strict=True)])
        if found.max() > best_score + 1e-9:
            best, best_score = drawn[found.argmax()], float(found.max())
        if search.should_stop():
            break
    weights = np.zeros(members)
    weights[taken] = np.maximum(best, 0)
    return {"weights": (weights / weights.sum()).tolist()}


def _unfit(metric: Metric, attributes: Grid) -> str:
    return "it would call the metric for every draw of weights" if metric.called else ""


CMA_WEIGHTS = Method("cma_weights", _fit, apply_vote, _unfit)
