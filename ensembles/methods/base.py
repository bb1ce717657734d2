"""The interface of a method: fit on rows, apply to rows, and parameters that JSON can carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Scores = NDArray[np.float64]
Parameters = dict[str, Any]

SIZE = 50  # picks of greedy selection


@dataclass(frozen=True)
class Context:
    """What a fit may know beside the rows.

    groups: [N], rows of one group share their errors (None: each row is its own group). attributes: sizes of the
    attributes whose mixed-radix number the class is, first slowest ((3, 2, 3): class = a * 6 + b * 3 + c); () if none.
    size: most picks of greedy selection.
    """

    groups: Array | None = None
    seed: int = 0
    attributes: tuple[int, ...] = ()
    size: int = SIZE


class Fit(Protocol):
    """Fits probabilities [T, N, C] to labels int[N]; what it returns goes through JSON and back to `Apply`."""

    def __call__(self, probabilities: Array, labels: Array, context: Context) -> Parameters: ...


class Apply(Protocol):
    """Scores float64[M, C] of probabilities [T, M, C]: rows sum to 1, the prediction is the argmax, ties lowest."""

    def __call__(self, probabilities: Array, parameters: Parameters) -> Scores: ...


def _always(classes: int, attributes: tuple[int, ...]) -> bool:
    return True


@dataclass(frozen=True)
class Method:
    """An entry of the table. Parameters hold at least "weights", a list of T numbers >= 0, for the report.

    needs(classes, attributes) says whether the method applies to such classes at all.
    """

    name: str
    fit: Fit
    apply: Apply
    needs: Callable[[int, tuple[int, ...]], bool] = _always


@dataclass(frozen=True)
class Fitted:
    """A fitted method. `parameters` is what ensemble.json keeps; `methods.load` makes it whole again."""

    method: Method
    parameters: Parameters

    @property
    def weights(self) -> NDArray[np.float64]:
        """Share of each member in the vote, float64[T], sums to 1."""
        weights = np.array(self.parameters["weights"], dtype=np.float64)
        return np.asarray(weights / weights.sum())

    def apply(self, probabilities: Array) -> Scores:
        """Scores float64[M, C] for probabilities [T, M, C]."""
        members = len(self.parameters["weights"])
        if probabilities.ndim != 3 or len(probabilities) != members:
            raise ValueError(
                f"{self.method.name} was fitted on {members} members: probabilities must be "
                f"[{members}, rows, classes], not {probabilities.shape}"
            )
        return self.method.apply(probabilities, self.parameters)


def normalised(scores: Scores) -> Scores:
    """Rows of scores >= 0 divided by their sums; a row of zeros becomes uniform."""
    sums = scores.sum(axis=1, keepdims=True)
    return np.asarray(np.where(sums > 0, scores / np.where(sums > 0, sums, 1.0), 1.0 / scores.shape[1]))
