"""The interface of a method: fit on rows, apply to rows, and parameters that JSON can carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ensembles.methods.row_facts import RowFacts
from trainable.data.grid import Grid
from trainable.metrics import Metric

Array = NDArray[Any]
Scores = NDArray[np.float64]
Parameters = dict[str, Any]

SIZE = 50  # picks of greedy selection
NO_GRID = Grid()


@dataclass(frozen=True)
class Context:
    """What a fit may know beside the rows.

    groups: the group of each row [N], whose rows are wrong together; None where each row stands for itself.
    seed: of random draws. attributes: how many values each attribute has, where a class stands for one value of each:
    with sizes (3, 2, 3) class a * 6 + b * 3 + c stands for the values a, b and c; empty where classes are no products.
    size: most picks of greedy selection. metric: what the vote is to score high in. facts: what is known of the rows.
    """

    metric: Metric
    groups: Array | None = None
    seed: int = 0
    attributes: Grid = NO_GRID
    size: int = SIZE
    facts: RowFacts | None = None


class Fit(Protocol):
    """Fits T members' probabilities [T, N, C] to labels int[N].

    Returns parameters that JSON can hold: they are written to the ensemble's folder, read back and given to `Apply`.
    """

    def __call__(self, probabilities: Array, labels: Array, context: Context) -> Parameters: ...


class Apply(Protocol):
    """The vote of T members' probabilities [T, M, C], as scores float64[M, C] whose rows sum to 1.

    The predicted class of a row is its largest score, the lowest class where several are equal.
    """

    def __call__(self, probabilities: Array, parameters: Parameters) -> Scores: ...


class ApplyKnowing(Protocol):
    """As `Apply`, with what is known of the M rows."""

    def __call__(self, probabilities: Array, parameters: Parameters, facts: RowFacts) -> Scores: ...


def _always(metric: Metric, attributes: Grid) -> str:
    return ""


@dataclass(frozen=True)
class Method:
    """A way to vote, under the name that people give it by.

    What `fit` returns holds at least "weights", a list of T numbers of 0 or more, one a member: reports show them.
    unfit(metric, attributes) says in words why the method does not apply, empty where it does: to the classes of that
    metric, made of these attributes, and to what the metric looks at. compared: whether `auto` compares it with others,
    or it is fitted only where it is asked for by name. apply_knowing: of a method that looks at more than votes, how
    it votes where that is known; `apply` is how it does without.
    """

    name: str
    fit: Fit
    apply: Apply
    unfit: Callable[[Metric, Grid], str] = _always
    compared: bool = True
    apply_knowing: ApplyKnowing | None = None


@dataclass(frozen=True)
class Fitted:
    """A method with its fitted parameters, which `methods.load` makes whole again from what a build wrote down."""

    method: Method
    parameters: Parameters

    @property
    def weights(self) -> NDArray[np.float64]:
        """Share of each member in the vote, float64[T], sums to 1."""
        weights = np.array(self.parameters["weights"], dtype=np.float64)
        return np.asarray(weights / weights.sum())

    def apply(self, probabilities: Array, facts: RowFacts | None = None) -> Scores:
        """The vote as scores float64[M, C] for probabilities [T, M, C]; raises ValueError for another T.

        facts: what is known of the M rows, which most methods do not look at.
        """
        members = len(self.parameters["weights"])
        if probabilities.ndim != 3 or len(probabilities) != members:
            raise ValueError(
                f"{self.method.name} was fitted on {members} members: probabilities must be "
                f"[{members}, rows, classes], not {probabilities.shape}"
            )
        if facts is not None and self.method.apply_knowing is not None:
            return self.method.apply_knowing(probabilities, self.parameters, facts)
        return self.method.apply(probabilities, self.parameters)

    def apply_to_used(self, probabilities: Array, used: Sequence[int], facts: RowFacts | None = None) -> Scores:
        """The vote float64[M, C] where only the members `used` predicted: probabilities [len(used), M, C].

        The others have no weight, so that no method reads what they say.
        """
        _, rows, classes = probabilities.shape
        everybody = np.full((len(self.parameters["weights"]), rows, classes), 1 / classes, np.float32)
        everybody[list(used)] = probabilities
        return self.apply(everybody, facts)


def normalised(scores: Scores) -> Scores:
    """Scores [M, C] of 0 or more with every row divided by its sum; a row of zeros becomes uniform."""
    sums = scores.sum(axis=1, keepdims=True)
    return np.asarray(np.where(sums > 0, scores / np.where(sums > 0, sums, 1.0), 1.0 / scores.shape[1]))
