"""A head of a fold: its strength and its scale are chosen inside the rows that it may see, by parts held back.

Closed forms take every fit from the same statistics; no row is read again but to be predicted.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from trainable.config import HeadConfig
from trainable.data.pseudo_labels import SoftLabels
from trainable.features.calibrate import best_scale, log_loss
from trainable.features.closed import CLOSED, Linear
from trainable.features.direct import logistic_path, neighbours_logits, spread, unit_rows
from trainable.features.moments import Moments
from trainable.features.span import Span
from trainable.features.table import FeatureTable

SHRINKAGES = {
    "lda": (0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9),
    "ridge": (0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7),
    "logistic": (0.003, 0.01, 0.03, 0.1, 0.3, 0.6),
}
NEIGHBOURS = (5, 10, 20, 50, 100)


@dataclass(frozen=True, eq=False)
class Lesson:
    """What one head may see: labels int64[N], -1 for rows that do not train; weights float64[C] of the classes.

    left_out: the parts of the rows that it is scored on, which no label of `labels` lies in. soft: the shares of rows
    that are of several classes; `labels` has the largest, which is what a bank of neighbours keeps.
    """

    labels: np.ndarray
    weights: np.ndarray
    left_out: frozenset[int]
    soft: SoftLabels | None = None


@dataclass(frozen=True, eq=False)
class Fitted:
    """A head as it was chosen; a bank's rows are those of the lesson, in order.

    loss: mean negative log-likelihood of the held-back rows, NaN where nothing was held back.
    """

    strength: float
    scale: float
    loss: float
    linear: Linear | None = None


@dataclass(eq=False)
class Fitter:
    """Fits heads of one kind on rows of a table.

    part: int64[N]. truth: int64[N], what held-back rows are scored on, -1 for rows that are not scored. lessons: those
    that will be asked for, so that what they share is summed up once. counted: float64[N], how much each row counts in
    training, above 0 where it trains (a factor of all does not matter); None where all count alike. Rows that are held
    back count alike when they are scored.
    """

    table: FeatureTable
    head: HeadConfig
    part: np.ndarray
    truth: np.ndarray
    lessons: Sequence[Lesson]
    counted: np.ndarray | None = None
    _held: dict[tuple, dict[float, np.ndarray]] = field(default_factory=dict)
    _own: dict[int, Moments] = field(default_factory=dict)

    def fit(self, lesson: Lesson) -> Fitted:
        """The head of a lesson, its strength as configured or as it does best on held-back rows."""
        head = self.head
        given = head.neighbours if head.name == "knn" else head.shrinkage
        strengths = (float(given),) if given else tuple(map(float, _choices(head.name)))
        loss, strength, scale = math.nan, strengths[0], 1.0
        if head.calibrate or len(strengths) > 1:
            loss, strength, scale = self._chosen(lesson, strengths)
        if not head.calibrate:
            scale = 1.0
        if head.name == "knn":
            return Fitted(strength, scale, loss)
        linear = self._heads(lesson, frozenset(), (strength,))[strength]
        return Fitted(strength, scale, loss, linear.times(scale))

    def _chosen(self, lesson: Lesson, strengths: tuple[float, ...]) -> tuple[float, float, float]:
        """(loss, strength, scale): the best log-likelihood of held-back rows, each strength at its best scale."""
        parts = [(self._held_back(lesson, p, strengths), self.truth[self._scored(p)]) for p in self._inner(lesson)]
        if not parts:
            return math.nan, strengths[len(strengths) // 2], 1.0
        found = []
        for strength in strengths:
            some = [(logits[strength], labels) for logits, labels in parts]
            scale = best_scale(some)
            loss = log_loss(np.concatenate([s for s, _ in some]) * scale, np.concatenate([y for _, y in some]))
            found.append((loss, strength, scale))
        return min(found)

    def _inner(self, lesson: Lesson) -> Iterator[int]:
        """The parts that are held back in turn: those that have rows to be scored on and leave rows to learn from."""
        trains = lesson.labels >= 0
        for p in range(int(self.part.max()) + 1):
            if p not in lesson.left_out and len(self._scored(p)) and (trains & (self.part != p)).any():
                yield p

    def _scored(self, part: int) -> np.ndarray:
        return np.flatnonzero((self.part == part) & (self.truth >= 0))

    def _held_back(self, lesson: Lesson, part: int, strengths: tuple[float, ...]) -> dict[float, np.ndarray]:
        """{strength: logits float32 [n, C] of a part's scored rows} by heads that saw neither it nor what is left out.

        Two folds that hold each other back share their heads where nothing else differs.
        """
        without = lesson.left_out | {part}
        shared = (without, lesson.weights.tobytes()) if self._alike else (id(lesson), part)
        if (shared, part) not in self._held:
            heads = None if self.head.name == "knn" else self._heads(lesson, frozenset({part}), strengths)
            wanted = [p for p in sorted(without) if len(self._scored(p))] if self._alike else [part]
            for p in wanted:
                values = self.table.rows(self._scored(p))
                if heads is None:
                    near = self._neighbours(lesson, part, values, strengths)
                else:
                    near = {strength: head.logits(values) for strength, head in heads.items()}
                self._held[shared, p] = near
        return self._held[shared, part]

    def _heads(self, lesson: Lesson, more: frozenset[int], strengths: tuple[float, ...]) -> dict[float, Linear]:
        if self.head.name == "logistic":
            rows = self.rows(lesson, more)
            soft = None if lesson.soft is None else lesson.soft.among(rows)
            counted = None if self.counted is None else self.counted[rows]
            given = self.table.rows(rows), lesson.labels[rows], lesson.weights, strengths
            return logistic_path(*given, counted=counted, soft=spread(rows, soft))
        statistics = self._moments(lesson).without(*(lesson.left_out | more), weights=lesson.weights)
        found = {strength: CLOSED[self.head.name](statistics, strength) for strength in strengths}
        span = self._span
        return found if span is None else {strength: span.outside(head) for strength, head in found.items()}

    def _neighbours(
        self, lesson: Lesson, part: int, values: np.ndarray, strengths: tuple[float, ...]
    ) -> dict[float, np.ndarray]:
        rows = self.rows(lesson, frozenset({part}))
        bank, classes = unit_rows(self.table.rows(rows)), len(lesson.weights)
        given = bank, lesson.labels[rows], self.votes(lesson, rows)
        found = neighbours_logits(*given, values, [int(s) for s in strengths], classes)
        return {float(count): logits for count, logits in found.items()}

    def votes(self, lesson: Lesson, rows: np.ndarray) -> np.ndarray:
        """float64[n]: how much each of these rows of a lesson counts, its class's weight times its own."""
        of_class = lesson.weights[lesson.labels[rows]]
        return of_class if self.counted is None else of_class * self.counted[rows]

    def rows(self, lesson: Lesson, more: frozenset[int] = frozenset()) -> np.ndarray:
        """int64[n]: the rows that train, without those of further parts."""
        return np.flatnonzero((lesson.labels >= 0) & ~np.isin(self.part, sorted(more)))

    def _moments(self, lesson: Lesson) -> Moments:
        key = 0 if self._alike else id(lesson)
        if key not in self._own:
            labels = self._merged if self._alike else lesson.labels
            by_class = any(len(set(some.weights.tolist())) > 1 for some in self.lessons)
            table = self.table if self._span is None else self._span.table
            given = table, labels, self.part, len(lesson.weights)
            width, counted = self.table.width, self.counted
            self._own = {key: Moments.of(*given, by_class=by_class, width=width, counted=counted, soft=lesson.soft)}
        return self._own[key]

    @cached_property
    def _span(self) -> Span | None:
        """Of all rows that train in some lesson; what a head is does not depend on which span it is found in."""
        return Span.of(self.table, np.flatnonzero(self._merged >= 0))

    @cached_property
    def _merged(self) -> np.ndarray:
        return np.max([lesson.labels for lesson in self.lessons], axis=0)

    @cached_property
    def _alike(self) -> bool:
        """Whether all lessons have one class a row, and train on all rows but those of the parts they leave out."""
        return all(
            lesson.soft is None
            and np.array_equal(lesson.labels, np.where(np.isin(self.part, sorted(lesson.left_out)), -1, self._merged))
            for lesson in self.lessons
        )


def _choices(name: str) -> tuple[float, ...]:
    return NEIGHBOURS if name == "knn" else SHRINKAGES[name]
