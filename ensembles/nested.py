"""The honest table: what each method scores on groups that neither its weights nor its choice have seen.

For every fold, a method is fitted on the rows of the other folds (selection of members included) and predicts
that fold; the predictions of all folds are pooled into one macro-F1, `nested`. The members need no refit: row n
of a member was predicted by the fold model that did not see n's group. `auto` repeats the whole choice of a
method inside each fold's training rows.

Errors come from a bootstrap over groups, and two methods are compared on the same resamples: their difference
is known far better than either score.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensembles.methods import SIZE, Fitted, applicable, fit
from trainable.metrics import f1_from_counts, macro_f1

AUTO = "auto"
REPLICATES = 200
PAIRED = 2

# What `auto` takes where it cannot tell methods apart: the steadiest first. "Simplest first" would be the single best
# member, and that is the least steady choice of all: picking one of many alike members fits noise, and on generated
# problems it cost up to thirteen points of test macro-F1, where the first of this list cost at most half a point.
PREFERENCE = (
    "log_pool",
    "mean_top5",
    "geometric_mean",
    "bagged_greedy",
    "hard_vote",
    "greedy",
    "temperature_greedy",
    "per_attribute",
    "cma_weights",
    "class_offsets",
    "best_single",
)
Progress = Callable[[int, int, str], None]  # fits done, fits in all, what is being fitted


@dataclass(frozen=True)
class Row:
    """One line of the table.

    standard_error: of `nested`. behind, behind_error: how far `nested` is below the best method's, and the standard
    error of that difference. optimism: in_sample - nested. members: how many have a weight. seconds: all its fits.
    """

    method: str
    in_sample: float
    nested: float
    standard_error: float
    behind: float
    behind_error: float
    optimism: float
    members: int
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """rows: a line a method, `auto` last. chosen: the method that auto takes. fitted: every method, on all rows."""

    rows: list[Row]
    chosen: str
    fitted: dict[str, Fitted]


def choose(rows: Sequence[Row]) -> Row:
    """The first in the order of PREFERENCE that is hardly behind the best of `rows`.

    Hardly: at most one standard error of the best score, and at most PAIRED of the standard errors of the difference,
    which is known far better. One of these would be too few: of ten methods that are equally good the best is more
    than one of them ahead of any given other in most problems.
    """
    found = [row for row in rows if row.method != AUTO]
    best = max(found, key=lambda row: row.nested)
    near = [row for row in found if row.behind <= min(best.standard_error, PAIRED * row.behind_error)]
    return min(near, key=lambda row: PREFERENCE.index(row.method))


def evaluate_methods(
    probabilities: NDArray[Any],
    labels: ArrayLike,
    fold: ArrayLike,
    groups: ArrayLike | None = None,
    methods: Sequence[str] | None = None,
    *,
    seed: int = 0,
    attributes: Sequence[int] = (),
    size: int = SIZE,
    progress: Progress | None = None,
) -> Evaluation:
    """Fits and scores `methods` (None: all that apply) on probabilities [T, N, C], labels [N], fold [N], groups [N].

    Cost: K (K - 1) / 2 + K + 1 fits a method for K folds.
    """
    truth = np.asarray(labels)
    classes = probabilities.shape[2]
    names = applicable(classes, attributes) if methods is None else list(methods)
    group = np.arange(len(truth)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    part = _parts(np.asarray(fold), group)
    parts = range(part.max() + 1)
    seconds = dict.fromkeys(names, 0.0)
    splits = [(), *((k,) for k in parts), *combinations(parts, 2)]
    done = 0

    def run(split: tuple[int, ...]) -> tuple[dict[str, Fitted], dict[str, NDArray[np.int64]]]:
        """Fits without the folds of `split`; predictions int64[N] for those folds (all if none), elsewhere -1."""
        nonlocal done
        out = np.isin(part, split)
        rows, seen = np.flatnonzero(~out), np.flatnonzero(out if split else ~out)
        train, test = (probabilities[:, rows], probabilities[:, seen]) if split else (probabilities, probabilities)
        fits, predictions = {}, {}
        for name in names:
            if progress:
                progress(done, len(splits) * len(names), f"{name}, {len(parts) - len(split)} folds")
            start = time.perf_counter()
            fits[name] = fit(name, train, truth[rows], groups=group[rows], seed=seed, attributes=attributes, size=size)
            predictions[name] = np.full(len(truth), -1)
            predictions[name][seen] = fits[name].apply(test).argmax(axis=1)
            seconds[name] += time.perf_counter() - start
            done += 1
        return fits, predictions

    fitted, known = run(())
    single = [run((k,))[1] for k in parts]
    double = {pair: run(pair)[1] for pair in combinations(parts, 2)}
    pooled = {name: _pool([single[k][name] for k in parts], part) for name in names}
    in_sample = {name: macro_f1(truth, known[name], classes) for name in names}
    members = {name: int((fitted[name].weights > 0).sum()) for name in names}
    bootstrap = Bootstrap(truth, group, classes, seed)
    rows = bootstrap.rows(pooled, np.ones(len(truth), bool), in_sample, members, seconds)
    chosen = choose(rows).method

    auto = np.full(len(truth), -1)
    for k in parts:
        others = [j for j in parts if j != k]
        inner = {name: _pool([double[min(j, k), max(j, k)][name] for j in others], part, others) for name in names}
        best = choose(bootstrap.rows(inner, part != k, in_sample, members, seconds)).method
        auto[part == k] = single[k][best][part == k]
    last = bootstrap.rows(
        {**pooled, AUTO: auto},
        np.ones(len(truth), bool),
        {**in_sample, AUTO: in_sample[chosen]},
        {**members, AUTO: members[chosen]},
        {**seconds, AUTO: sum(seconds.values())},
    )[-1]
    return Evaluation([*rows, last], chosen, fitted)


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


def _pool(
    predictions: list[NDArray[np.int64]], part: NDArray[np.int64], parts: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """Predictions of fold parts[i] taken from predictions[i]; -1 elsewhere."""
    pooled = np.full(len(part), -1)
    for k, guess in zip(range(len(predictions)) if parts is None else parts, predictions, strict=True):
        pooled[part == k] = guess[part == k]
    return pooled


class Bootstrap:
    """Resamples of the groups, the same for every method."""

    def __init__(self, labels: NDArray[Any], group: NDArray[np.int64], classes: int, seed: int) -> None:
        self.labels, self.group, self.classes = labels, group, classes
        self.groups = int(group.max()) + 1
        self.random_seed = seed

    def scores(self, predicted: NDArray[np.int64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Macro-F1 float64[1 + REPLICATES] over the `used` rows: as they are, then with their groups drawn anew."""
        _, group = np.unique(self.group[used], return_inverse=True)
        size = group.max() + 1
        labels, guess = self.labels[used], predicted[used]
        hit = labels == guess
        flat = [group[hit] * self.classes + guess[hit], group * self.classes + guess, group * self.classes + labels]
        counts = np.concatenate(
            [np.bincount(f, minlength=size * self.classes).reshape(size, self.classes) for f in flat], axis=1
        ).astype(np.float64)  # [groups, 3 C]: hits, predicted, true
        drawn = np.random.default_rng(self.random_seed).multinomial(size, np.full(size, 1 / size), REPLICATES)
        totals = np.concatenate([np.ones((1, size)), drawn]) @ counts
        hits, guesses, true = np.split(totals, 3, axis=1)
        return np.asarray(f1_from_counts(hits, guesses, true).mean(axis=1))

    def rows(
        self,
        predictions: dict[str, NDArray[np.int64]],
        used: NDArray[np.bool_],
        in_sample: dict[str, float],
        members: dict[str, int],
        seconds: dict[str, float],
    ) -> list[Row]:
        """A line for each of `predictions`, scored over the `used` rows."""
        scores = {name: self.scores(predicted, used) for name, predicted in predictions.items()}
        best = scores[max((name for name in scores if name != AUTO), key=lambda name: scores[name][0])]
        table = []
        for name, score in scores.items():
            nested, behind = float(score[0]), best - score
            table.append(
                Row(
                    name,
                    in_sample[name],
                    nested,
                    float(score[1:].std()),
                    float(behind[0]),
                    float(behind[1:].std()),
                    in_sample[name] - nested,
                    members[name],
                    seconds[name],
                )
            )
        return table
