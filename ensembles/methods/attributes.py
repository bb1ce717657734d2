"""A vote for each attribute, and the product of these votes as the vote on the class.

Where a class stands for a value of each of several attributes (mask, gender, age), the member that is best at age need
not be the one that is best at gender: greedy selection weighs the members anew for each attribute. What the product
leaves out is how the attributes of one photo depend on each other.
"""

from __future__ import annotations

import math

import numpy as np

from ensembles.greedy import greedy_selection
from ensembles.methods.base import Array, Context, Method, Parameters, Scores, normalised
from ensembles.methods.vote import weighted_sum
from trainable.metrics import Metric


def marginal(probabilities: Array, sizes: tuple[int, ...], attribute: int) -> Array:
    """What probabilities [T, N, C] say of one attribute: float32[T, N, sizes[attribute]], C the product of `sizes`."""
    split = probabilities.reshape(*probabilities.shape[:2], *sizes)
    others = tuple(2 + other for other in range(len(sizes)) if other != attribute)
    return np.minimum(split.sum(axis=others, dtype=np.float32), 1)


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    sizes = context.attributes
    truths = np.unravel_index(labels, sizes)
    fits = [
        greedy_selection(marginal(probabilities, sizes, a), truth, context.size, context.metric.name).counts
        for a, truth in enumerate(truths)
    ]
    mean = np.mean([counts / counts.sum() for counts in fits], axis=0)
    return {
        "weights": mean.tolist(),
        "attributes": list(sizes),
        "attribute_weights": [counts.astype(float).tolist() for counts in fits],
    }


def _apply(probabilities: Array, parameters: Parameters) -> Scores:
    sizes = tuple(parameters["attributes"])
    rows, classes = probabilities.shape[1:]
    scores = np.ones((rows, classes))
    for a, weights in enumerate(parameters["attribute_weights"]):
        vote = weighted_sum(probabilities, weights).reshape(rows, *sizes)
        others = tuple(1 + other for other in range(len(sizes)) if other != a)
        scores *= np.broadcast_to(vote.sum(axis=others, keepdims=True), vote.shape).reshape(rows, classes)
    return normalised(scores)


def _unfit(metric: Metric, attributes: tuple[int, ...]) -> str:
    if len(attributes) < 2 or math.prod(attributes) != len(metric.classes):
        return "classes are no products of attributes"
    return "" if metric.divisible else "the metric says nothing of one attribute"


PER_ATTRIBUTE = Method("per_attribute", _fit, _apply, _unfit)
