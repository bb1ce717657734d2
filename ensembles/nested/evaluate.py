"""The nested estimate of every method.

For every fold, a method is fitted on the rows of the other folds (the selection of members included) and predicts
that fold; the predictions of all folds are pooled into one score, `nested`. The members need no refit: row n of a
member was predicted by the fold model that did not see n's group. `auto` repeats the whole choice of a method inside
each fold's training rows. Errors come from a bootstrap over groups.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensembles.methods import SIZE, Fitted, applicable, fit
from ensembles.metric import MACRO_F1, check_metric
from ensembles.nested.bootstrap import Bootstrap
from ensembles.nested.rows import AUTO, Row, choose, make_rows
from trainable.metrics import macro_f1

Progress = Callable[[int, int, str], None]  # fits done, fits in all, what is being fitted
Predictions = dict[str, NDArray[np.int64]]  # of each method: int64[N], -1 where it did not predict


@dataclass(frozen=True)
class Evaluation:
    """rows: one a method, `auto` last. chosen: the method that auto takes. fitted: every method, on all rows."""

    rows: list[Row]
    chosen: str
    fitted: dict[str, Fitted]


def evaluate_methods(
    probabilities: NDArray[Any],
    labels: ArrayLike,
    fold: ArrayLike,
    groups: ArrayLike | None = None,
    metric: str = MACRO_F1,
    *,
    methods: Sequence[str] | None = None,
    seed: int = 0,
    attributes: Sequence[int] = (),
    size: int = SIZE,
    progress: Progress | None = None,
) -> Evaluation:
    """Fit and score methods on T members' out-of-fold probabilities [T, N, C] for labels int[N].

    fold [N]: the fold of each row; groups [N]: its group, which lies in one fold (None: each row is its own).
    metric: what methods are scored by. methods: their names (None: all that apply). attributes, size: as in
    `ensembles.methods.Context`. progress: called before each fit. Raises InputError for a metric that is not known, and
    ValueError for fewer than 2 folds, a group in two folds, or arrays that `greedy_selection` refuses.

    Cost: K (K - 1) / 2 + K + 1 fits a method for K folds.
    """
    check_metric(metric)
    truth = np.asarray(labels)
    classes = probabilities.shape[2]
    group = np.arange(len(truth)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    part = _parts(np.asarray(fold), group)
    names = applicable(classes, attributes) if methods is None else list(methods)
    fits = _Fits(probabilities, truth, group, part, names, seed, tuple(attributes), size, progress)
    fitted, known = fits.without(())
    single = {k: fits.without((k,))[1] for k in fits.parts}
    double = {pair: fits.without(pair)[1] for pair in combinations(fits.parts, 2)}

    bootstrap = Bootstrap(truth, group, classes, seed)
    in_sample = {name: macro_f1(truth, known[name], classes) for name in names}
    members = {name: int((fitted[name].weights > 0).sum()) for name in names}

    def rows_of(predictions: Mapping[str, NDArray[np.int64]], used: NDArray[np.bool_]) -> list[Row]:
        scores = {name: bootstrap.scores(predicted, used) for name, predicted in predictions.items()}
        return make_rows(scores, in_sample, members, fits.seconds)

    everything = np.ones(len(truth), bool)
    pooled = {name: _pool({k: single[k][name] for k in fits.parts}, part) for name in names}
    rows = rows_of(pooled, everything)
    chosen = choose(rows).method

    auto = np.full(len(truth), -1)
    for k in fits.parts:
        others = [j for j in fits.parts if j != k]
        inner = {name: _pool({j: double[min(j, k), max(j, k)][name] for j in others}, part) for name in names}
        best = choose(rows_of(inner, part != k)).method
        auto[part == k] = single[k][best][part == k]
    in_sample[AUTO], members[AUTO] = in_sample[chosen], members[chosen]
    fits.seconds[AUTO] = sum(fits.seconds.values())
    return Evaluation([*rows, rows_of({**pooled, AUTO: auto}, everything)[-1]], chosen, fitted)


@dataclass
class _Fits:
    """All fits of an evaluation. seconds: {method: what its fits and predictions took}."""

    probabilities: NDArray[Any]
    labels: NDArray[Any]
    group: NDArray[np.int64]
    part: NDArray[np.int64]
    names: list[str]
    seed: int
    attributes: tuple[int, ...]
    size: int
    progress: Progress | None
    done: int = 0
    seconds: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.seconds = dict.fromkeys(self.names, 0.0)

    @property
    def parts(self) -> range:
        return range(int(self.part.max()) + 1)

    def without(self, out: tuple[int, ...]) -> tuple[dict[str, Fitted], Predictions]:
        """Every method fitted without the rows of the parts `out`, and its predictions for them, or for all if none."""
        held_out = np.isin(self.part, out)
        rows, seen = np.flatnonzero(~held_out), np.flatnonzero(held_out if out else ~held_out)
        train, test = self.probabilities, self.probabilities
        if out:
            train, test = train[:, rows], test[:, seen]
        fitted, predictions = {}, {}
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
            )
            predictions[name] = np.full(len(self.labels), -1)
            predictions[name][seen] = fitted[name].apply(test).argmax(axis=1)
            self.seconds[name] += time.perf_counter() - start
            self.done += 1
        return fitted, predictions

    def _announce(self, what: str) -> None:
        if self.progress:
            count = len(self.parts)
            self.progress(self.done, (1 + count + count * (count - 1) // 2) * len(self.names), what)


def _parts(fold: NDArray[Any], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Folds numbered 0..K-1, K >= 3: two folds become four, every other group of each one apart."""
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


def _pool(predictions: Mapping[int, NDArray[np.int64]], part: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[N]: for the rows of each part the predictions given for it, -1 in parts without any."""
    pooled = np.full(len(part), -1)
    for k, guess in predictions.items():
        pooled[part == k] = guess[part == k]
    return pooled
