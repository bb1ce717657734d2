"""A vote for each attribute, and the product of these votes as the vote on the class.

Where a class stands for a value of each of several attributes, the member that is best at one need not be the one that
is best at another: greedy selection weighs the members anew for each attribute. What the product leaves out is how the
attributes of one photo depend on each other.
"""

from __future__ import annotations

import numpy as np

from ensembles.greedy import greedy_selection
from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from ensembles.methods.vote import weighted_sum
from trainable.data.grid import Grid
from trainable.metrics import Metric


def marginal(probabilities: Array, grid: Grid, attribute: int) -> Array:
    """What probabilities [T, N, C] say of one attribute: float32[T, N, its values], the attribute by its place."""
    return np.minimum(grid.marginal(probabilities, attribute, dtype=np.float32), 1)


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    grid = context.attributes
    fits = [
        greedy_selection(marginal(probabilities, grid, a), truth, context.size, context.metric.name).counts
        for a, truth in enumerate(grid.decode(labels))
    ]
    mean = np.mean([counts / counts.sum() for counts in fits], axis=0)
    return {
        "weights": mean.tolist(),
        "attributes": list(grid.sizes),
        "cells": list(grid.cells),
        "attribute_weights": [counts.astype(float).tolist() for counts in fits],
    }


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    grid = Grid(tuple(parameters["attributes"]), tuple(parameters["cells"]))
    rows, classes = probabilities.shape[1:]
    scores = np.ones((rows, classes))
    for a, weights in enumerate(parameters["attribute_weights"]):
        vote = grid.spread(weighted_sum(probabilities, weights))
        others = tuple(1 + other for other in range(len(grid)) if other != a)
        scores *= grid.gathered(np.broadcast_to(vote.sum(axis=others, keepdims=True), vote.shape))
    return normalised(scores)


def _unfit(metric: Metric, attributes: Grid) -> str:
    if len(attributes) < 2 or attributes.classes != len(metric.classes):
        return "classes are no products of attributes"
    return "" if metric.divisible else "the metric says nothing of one attribute"


PER_ATTRIBUTE = Method("per_attribute", _fit, _apply, _unfit)
