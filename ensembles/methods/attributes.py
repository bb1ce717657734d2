"""A vote for each attribute, and the product of these votes as the vote on the class.

Where a class stands for a value of each of several attributes, the member that is best at one need not be the one that
is best at another: members are weighed anew for each attribute, by greedy selection or as a log-linear pool. What the
product leaves out is how the attributes of one photo depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ensembles.greedy import greedy_selection
from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from ensembles.methods.log_pool import fit_weights, powers
from ensembles.methods.vote import weighted_sum
from trainable.data.grid import Grid
from trainable.metrics import Metric


def marginal(probabilities: Array, grid: Grid, attribute: int) -> Array:
    """What probabilities [T, N, C] say of one attribute: float32[T, N, its values], the attribute by its place."""
    return np.minimum(grid.marginal(probabilities, attribute, dtype=np.float32), 1)


def _parameters(grid: Grid, fits: list[list[float]]) -> Parameters:
    """fits: a weight of each member, for each attribute."""
    shares = [np.array(own) / (sum(own) or 1) for own in fits]
    return {
        "weights": np.mean(shares, axis=0).tolist(),
        "attributes": list(grid.sizes),
        "cells": list(grid.cells),
        "attribute_weights": fits,
    }


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    grid = context.attributes
    fits = [
        greedy_selection(marginal(probabilities, grid, a), truth, context.size, context.metric.name).counts
        for a, truth in enumerate(grid.decode(labels))
    ]
    return _parameters(grid, [counts.astype(float).tolist() for counts in fits])


def _fit_pool(probabilities: Array, labels: Array, context: Context) -> Parameters:
    grid = context.attributes
    found = [fit_weights(marginal(probabilities, grid, a), truth) for a, truth in enumerate(grid.decode(labels))]
    even = np.full(len(probabilities), 1 / len(probabilities))
    return _parameters(grid, [(weights if weights.any() else even).tolist() for weights in found])


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    return _product(probabilities, parameters, lambda p, grid, a, own: grid.marginal(weighted_sum(p, own), a))


def _apply_pool(probabilities: Array, parameters: Parameters) -> Scores:
    return _product(probabilities, parameters, lambda p, grid, a, own: powers(marginal(p, grid, a), np.array(own)))


def _product(
    probabilities: Array, parameters: Parameters, vote: Callable[[Array, Grid, int, list[float]], Scores]
) -> Scores:
    """The product of `vote`'s answers [M, A] on each attribute, of the products that are classes."""
    grid = Grid(tuple(parameters["attributes"]), tuple(parameters["cells"]))
    rows, classes = probabilities.shape[1:]
    scores = np.ones((rows, classes))
    for a, (own, values) in enumerate(
        zip(parameters["attribute_weights"], grid.decode(np.arange(classes)), strict=True)
    ):
        scores *= vote(probabilities, grid, a, own)[:, values]
    return normalised(scores)


def _unfit(metric: Metric, attributes: Grid) -> str:
    if len(attributes) < 2 or attributes.classes != len(metric.classes):
        return "classes are no products of attributes"
    return "" if metric.divisible else "the metric says nothing of one attribute"


def _unfit_pool(metric: Metric, attributes: Grid) -> str:
    products = len(attributes) > 1 and attributes.classes == len(metric.classes)
    return "" if products else "classes are no products of attributes"


PER_ATTRIBUTE = Method("per_attribute", _fit, _apply, _unfit)
ATTRIBUTE_POOL = Method("attribute_pool", _fit_pool, _apply_pool, _unfit_pool)
