"""A metric: what predictions are worth, and how people read it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainable.metrics.confusion import class_numbers
from trainable.metrics.counts import Counts

Kind = Literal["labels", "probabilities", "ranks"]
Score = Callable[[NDArray[Any], NDArray[Any]], float]  # of labels int64[N] and probabilities [N, C], higher is better
Rows = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric over a list of classes; made by `trainable.metrics.get`.

    kind: what of the predictions it looks at. shown: its name for people. loss: whether people read the negated score.
    highest: the best score there can be. Of the last three one is given, whichever makes it cheapest to know what a
    changed vote scores: counts of classes, float64[N] whose mean is the score, or nothing but the score itself.
    own: of `rows` that look at the probability of the label alone, what they make of it.
    divisible: whether it says of an attribute what it says of a class made of attributes.
    """

    name: str
    kind: Kind
    shown: str
    classes: tuple[str, ...]
    loss: bool = False
    highest: float = 1.0
    divisible: bool = False
    own: Callable[[NDArray[Any]], NDArray[np.float64]] | None = None
    counts: Counts | None = None
    rows: Rows | None = None
    whole: Score | None = None

    def score(self, labels: ArrayLike, probabilities: ArrayLike) -> float:
        """Of labels int[N] and probabilities [N, C]: higher is better, a loss is negated.

        The predicted class of a row is its largest probability, the lowest class where several are equal. Raises
        ValueError for arrays that do not fit together or the classes.
        """
        table = np.asarray(probabilities)
        true = class_numbers("labels", labels, len(self.classes))
        if table.shape != (len(true), len(self.classes)):
            raise ValueError(f"probabilities must be [{len(true)}, {len(self.classes)}], not {table.shape}")
        if self.counts is not None:
            return self.counts.score(true, table.argmax(axis=1), len(self.classes))
        if self.rows is not None:
            return float(self.rows(true, table).mean())
        assert self.whole is not None
        # Copies: a function of the user's may write into what it is given, and these are what the run keeps.
        return float(self.whole(true.copy(), table.copy()))

    def score_or_nan(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        """The score; NaN where there are no rows, or the network diverged."""
        if not len(labels) or not np.isfinite(probabilities).all():
            return math.nan
        return self.score(labels, probabilities)

    @property
    def score_shown(self) -> str:
        """The name of what `score` gives, for people."""
        return f"{self.shown}, negated" if self.loss else self.shown

    def read(self, score: float) -> float:
        """A score as people read it: a loss has its own sign."""
        return 0.0 - score if self.loss else score

    def text(self, score: float, digits: int = 4) -> str:
        """A score for people, so many digits behind the point."""
        return f"{self.read(score):.{digits}f}"

    @property
    def called(self) -> bool:
        """Whether each candidate of a selection costs a call, because nothing of the last one's can be used again."""
        return self.whole is not None
