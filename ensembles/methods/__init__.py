"""The methods that turn members into one vote, in one table from simple to complex.

Some are fitted only where they are asked for by name: `auto` compares those that helped it on the part of the bank of
real problems that is for choosing (benchmarks.vote).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensembles.greedy import Table
from ensembles.methods.attributes import ATTRIBUTE_POOL, PER_ATTRIBUTE
from ensembles.methods.bagged import BAGGED_GREEDY
from ensembles.methods.base import SIZE, Context, Fitted, Method
from ensembles.methods.blend import BLEND, blend_of, joined
from ensembles.methods.hill import HILL_CLIMB
from ensembles.methods.log_pool import LOG_POOL
from ensembles.methods.ranks import RANK_MEAN
from ensembles.methods.row_facts import RowFacts
from ensembles.methods.row_stacking import ROW_STACKING
from ensembles.methods.stacking import STACKING
from ensembles.methods.top import GEOMETRIC_MEAN, HARD_VOTE
from ensembles.methods.vote import BEST_SINGLE, GREEDY, MEAN_TOP
from ensembles.metric import AnyMetric, as_metric
from trainable.data.grid import Grid
from trainable.errors import unknown
from trainable.metrics import MACRO_F1

__all__ = [
    "BLEND",
    "METHODS",
    "SIZE",
    "Context",
    "Fitted",
    "Method",
    "RowFacts",
    "applicable",
    "blended",
    "build_method",
    "fit",
    "left_out",
    "load",
]

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        BEST_SINGLE,
        MEAN_TOP,
        HARD_VOTE,
        GEOMETRIC_MEAN,
        RANK_MEAN,
        GREEDY,
        BAGGED_GREEDY,
        HILL_CLIMB,
        LOG_POOL,
        STACKING,
        ROW_STACKING,
        PER_ATTRIBUTE,
        ATTRIBUTE_POOL,
    )
}


def build_method(name: str) -> Method:
    """The method called `name`; raises InputError for a name that is none."""
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def applicable(classes: int, attributes: Sequence[int] | Grid = (), metric: AnyMetric = MACRO_F1) -> list[str]:
    """Names of the methods that `auto` compares, from simple to complex; the rest as in `Context`."""
    unfit = left_out(classes, attributes, metric)
    return [name for name, method in METHODS.items() if method.compared and name not in unfit]


def left_out(classes: int, attributes: Sequence[int] | Grid = (), metric: AnyMetric = MACRO_F1) -> dict[str, str]:
    """{name: why, in words} of the methods that do not apply."""
    measure = as_metric(metric, classes)
    found = {name: method.unfit(measure, Grid.of(attributes)) for name, method in METHODS.items()}
    return {name: why for name, why in found.items() if why}


def fit(
    name: str,
    probabilities: NDArray[Any],
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    seed: int = 0,
    attributes: Sequence[int] | Grid = (),
    size: int = SIZE,
    metric: AnyMetric = MACRO_F1,
    facts: RowFacts | None = None,
) -> Fitted:
    """Fit the method called `name` to T members' probabilities [T, N, C] and labels int[N].

    groups, seed, attributes, size, metric and facts: as in `Context`. Raises InputError for an unknown name, and
    ValueError for arrays that `greedy_selection` refuses or for classes or a metric that the method does not apply to.
    """
    method = build_method(name)
    Table.read(probabilities, labels)  # refuses what is no table of probabilities, before a method transforms it
    measure = as_metric(metric, probabilities.shape[-1])
    group = None if groups is None else np.asarray(groups)
    context = Context(measure, group, seed, Grid.of(attributes), size, facts)
    if why := method.unfit(measure, context.attributes):
        raise ValueError(
            f"{name} does not apply to {probabilities.shape[-1]} classes with attributes {context.attributes.sizes} "
            f"and {measure.name}: {why}"
        )
    return Fitted(method, method.fit(probabilities, np.asarray(labels), context))


def blended(parts: Sequence[Fitted]) -> Fitted:
    """The mean of the votes of methods that are fitted on the same members; of one, that one."""
    if len(parts) == 1:
        return parts[0]
    return Fitted(blend_of(build_method, [part.method.name for part in parts]), joined(parts))


def load(name: str, parameters: dict[str, Any]) -> Fitted:
    """The fitted method whose parameters a build wrote down; raises InputError for an unknown name."""
    if name == BLEND:
        return Fitted(blend_of(build_method, [part["method"] for part in parameters["parts"]]), parameters)
    return Fitted(build_method(name), parameters)
