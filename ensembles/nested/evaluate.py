"""The nested estimate of every method.

For every fold, a method is fitted on the rows of the other folds (the selection of members included, also of those
that may vote at all) and predicts that fold; the predictions of all folds are pooled into one score, `nested`. The
members need no refit: row n of a member was predicted by the fold model that did not see n's group. `auto` repeats the
whole choice of the methods that it blends inside each fold's training rows. Errors come from a bootstrap over groups.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensembles.methods import BLEND, SIZE, Fitted, RowFacts, applicable, blended, fit
from ensembles.metric import AnyMetric, as_metric
from ensembles.nested.bootstrap import Bootstrap, evidence
from ensembles.nested.rows import AUTO, Row, make_rows, taken
from trainable.data.grid import Grid
from trainable.metrics import MACRO_F1, Metric

Progress = Callable[[int, int, str], None]  # fits done, fits in all, what is being fitted
Seen = dict[int, NDArray[Any]]  # of each part: what the score of a vote on its rows stands on
BLOCK = 2**23  # cells of a vote that are held at once
EVERY = slice(None)


@dataclass(frozen=True)
class Evaluation:
    """rows: one a method, `auto` last where it was asked for. chosen: what auto takes, a method or `blend`.

    fitted: every method on all rows, with `blend` where auto takes several: those called `parts`. kept: numbers of the
    members that may vote, which the weights are of. said: auto's nested vote, float64 [N, C], each fold by a choice
    made without it; None where auto was not asked for.
    """

    rows: list[Row]
    chosen: str
    fitted: dict[str, Fitted]
    parts: tuple[str, ...]
    kept: NDArray[np.int64]
    said: NDArray[np.float64] | None = None


def evaluate_methods(
    probabilities: NDArray[Any],
    labels: ArrayLike,
    fold: ArrayLike,
    groups: ArrayLike | None = None,
    metric: AnyMetric = MACRO_F1,
    *,
    methods: Sequence[str] | None = None,
    seed: int = 0,
    attributes: Sequence[int] | Grid = (),
    size: int = SIZE,
    progress: Progress | None = None,
    auto: bool = True,
    facts: RowFacts | None = None,
    most: int | None = None,
) -> Evaluation:
    """Fit and score methods on T members' out-of-fold probabilities [T, N, C] for labels int[N].

    fold [N]: the fold of each row; groups [N]: its group, which lies in one fold (None: each row is its own).
    metric: what methods are fitted for and scored by. methods: their names (None: all that apply). attributes, size and
    facts: as in `ensembles.methods.Context`. progress: called before each fit. auto: whether the choice among them is
    estimated too. most: only so many members may vote, those that score highest by themselves. Raises
    InputError for a metric that is not known, ValueError for fewer than 2 folds, a group in two folds, or arrays that
    `greedy_selection` refuses.

    Cost: K (K - 1) / 2 + K + 1 fits a method for K folds, without auto K + 1.
    """
    truth = np.asarray(labels)
    classes = probabilities.shape[2]
    measure = as_metric(metric, classes)
    group = np.arange(len(truth)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    part = _parts(np.asarray(fold), group)
    names = applicable(classes, attributes, measure) if methods is None else list(methods)
    fits = _Fits(probabilities, truth, group, part, names, measure, seed, attributes, size, progress, auto, facts, most)
    fitted, known = fits.without(())
    single = {k: fits.without((k,)) for k in fits.parts}

    bootstrap = Bootstrap(truth, group, classes, seed, measure)
    everything = np.ones(len(truth), bool)
    in_sample = {name: bootstrap.score(_pool(known[name], part), everything) for name in names}
    members = {name: int((fitted[name].weights > 0).sum()) for name in names}

    def rows_of(seen: Mapping[str, NDArray[Any]], used: NDArray[np.bool_]) -> list[Row]:
        scores = {name: bootstrap.scores(stands_on, used) for name, stands_on in seen.items()}
        return make_rows(scores, in_sample, members, fits.seconds)

    pooled = {name: _pool({k: single[k][1][name][k] for k in fits.parts}, part) for name in names}
    rows = rows_of(pooled, everything)
    blend = taken(rows)
    chosen = blend[0] if len(blend) == 1 else BLEND
    fitted[chosen] = blended([fitted[name] for name in blend])
    if not auto:
        return Evaluation(rows, chosen, fitted, tuple(blend), fits.kept(()))

    said = _auto(fits, {k: of[0] for k, of in single.items()}, rows_of)
    in_sample[AUTO] = bootstrap.score(_pool(fits.seen(fitted[chosen], (), ()), part), everything)
    members[AUTO] = int((fitted[chosen].weights > 0).sum())
    fits.seconds[AUTO] = sum(fits.seconds.values())
    last = rows_of({**pooled, AUTO: evidence(said, truth, measure)}, everything)[-1]
    return Evaluation([*rows, last], chosen, fitted, tuple(blend), fits.kept(()), said)


def _auto(
    fits: _Fits,
    single: Mapping[int, Mapping[str, Fitted]],
    rows_of: Callable[[Mapping[str, NDArray[Any]], NDArray[np.bool_]], list[Row]],
) -> NDArray[np.float64]:
    """What auto says of all rows, [N, C]: of each part what it takes without it. single: the fits without each.

    Of two parts, two folds of one group each, nothing is left without both: then auto takes what fits the other part.
    """
    part = fits.part
    double = {pair: fits.without(pair)[1] for pair in combinations(fits.parts, 2)} if len(fits.parts) > 2 else {}

    def inside(name: str, k: int) -> Seen:
        others = [j for j in fits.parts if j != k]
        if not double:
            return fits.seen(single[k][name], (k,), others)
        return {j: double[min(j, k), max(j, k)][name][j] for j in others}

    said = np.empty(fits.probabilities.shape[1:])
    for k in fits.parts:
        inner = {name: _pool(inside(name, k), part) for name in fits.names}
        best = blended([single[k][name] for name in taken(rows_of(inner, part != k))])
        for rows, vote in fits.votes(best, (k,), np.flatnonzero(part == k)):
            said[rows] = vote
    return said


@dataclass
class _Fits:
    """All fits of an evaluation. seconds: {method: what its fits and predictions took}."""

    probabilities: NDArray[Any]
    labels: NDArray[Any]
    group: NDArray[np.int64]
    part: NDArray[np.int64]
    names: list[str]
    metric: Metric
    seed: int
    attributes: Sequence[int] | Grid
    size: int
    progress: Progress | None
    auto: bool
    facts: RowFacts | None
    most: int | None
    done: int = 0
    seconds: dict[str, float] = field(init=False)
    _kept: dict[tuple[int, ...], NDArray[np.int64]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.seconds = dict.fromkeys(self.names, 0.0)

    @property
    def parts(self) -> range:
        return range(int(self.part.max()) + 1)

    def without(self, out: tuple[int, ...]) -> tuple[dict[str, Fitted], dict[str, Seen]]:
        """Every method fitted without the rows of the parts `out`, and what it is scored by there, or everywhere."""
        rows = np.flatnonzero(~np.isin(self.part, out))
        train = self.of(self.kept(out), rows) if out else self.of(self.kept(out))
        fitted, found = {}, {}
        for name in self.names:
            self._announce(f"{name}, {len(self.parts) - len(out)} folds")
            start = time.perf_counter()
            fitted[name] = fit(
                name,
                train,
                self.labels[rows],
                groups=self.group[rows],
                seed=self.seed,
                attributes=self.attributes,
                size=self.size,
                metric=self.metric,
                facts=None if self.facts is None else self.facts.of(rows),
            )
            found[name] = self.seen(fitted[name], out, out)
            self.seconds[name] += time.perf_counter() - start
            self.done += 1
        return fitted, found

    def seen(self, fitted: Fitted, out: tuple[int, ...], where: Sequence[int]) -> Seen:
        """What the scores of a method stand on, which is far smaller than its votes.

        out: the parts without whose rows it was fitted. where: those of which it is wanted, all if none.
        """
        found: Seen = {}
        for k in where or self.parts:
            votes = self.votes(fitted, out, np.flatnonzero(self.part == k))
            found[k] = np.concatenate([evidence(vote, self.labels[rows], self.metric) for rows, vote in votes])
        return found

    def votes(
        self, fitted: Fitted, out: tuple[int, ...], rows: NDArray[Any]
    ) -> Iterator[tuple[NDArray[Any], NDArray[np.float64]]]:
        """Rows int[n] and a method's votes [n, C] on them, few enough at a time that many classes fit the memory.

        out: the parts without whose rows it was fitted. A method that looks at the other rows of a group gets them all
        at once.
        """
        knows = self.facts is not None and fitted.method.apply_knowing is not None
        blocks = 1 if knows else 1 + len(rows) * self.probabilities.shape[2] // BLOCK
        for block in np.array_split(rows, blocks):
            facts = None if self.facts is None else self.facts.of(block)
            yield block, fitted.apply(self.of(self.kept(out), block), facts)

    def kept(self, out: tuple[int, ...]) -> NDArray[np.int64]:
        """Numbers of the members that may vote, by their own scores without the rows of the parts `out`."""
        count = len(self.probabilities)
        if self.most is None or self.most >= count:
            return np.arange(count)
        if out not in self._kept:
            rows = np.flatnonzero(~np.isin(self.part, out))
            own = [self.metric.score(self.labels[rows], table[rows]) for table in self.probabilities]
            self._kept[out] = np.sort(np.argsort(own, kind="stable")[::-1][: self.most])
        return self._kept[out]

    def of(self, members: NDArray[np.int64], rows: NDArray[Any] | slice = EVERY) -> NDArray[Any]:
        """Probabilities of these members, of these rows or all; not a copy where it is of all members and rows."""
        if len(members) == len(self.probabilities):
            return self.probabilities[:, rows]
        return self.probabilities[members][:, rows]

    def _announce(self, what: str) -> None:
        if self.progress:
            count = len(self.parts)
            pairs = count * (count - 1) // 2 if self.auto and count > 2 else 0
            self.progress(self.done, (1 + count + pairs) * len(self.names), what)


def _parts(fold: NDArray[Any], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Folds numbered 0..K-1: two folds become four, every other group of each one apart, where they have several."""
    names, part = np.unique(fold, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"a nested estimate needs at least 2 folds, found {len(names)}")
    owner = np.zeros(group.max() + 1, int)
    owner[group] = part
    for g in group[owner[group] != part][:1]:
        raise ValueError(f"no group may lie in two folds, but rows {np.flatnonzero(group == g)[:5].tolist()} do")
    if len(names) > 2:
        return part
    order = np.argsort(np.argsort(owner, kind="stable"))
    return np.unique(part * 2 + order[group] % 2, return_inverse=True)[1]


def _pool(parts: Mapping[int, NDArray[Any]], part: NDArray[np.int64]) -> NDArray[Any]:
    """[N] or [N, C]: for the rows of each part what is said of them, in their order; -1 in parts that are not there."""
    first = next(iter(parts.values()))
    found = np.full((len(part), *first.shape[1:]), -1, first.dtype)
    for k, said in parts.items():
        found[part == k] = said
    return found
