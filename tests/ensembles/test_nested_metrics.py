"""The nested table and `auto` under every metric, against a brute force that scores every vote and draw anew."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from test_greedy_metrics import EVERY, brute_force

import ensembles.nested.bootstrap as bootstrap
from ensembles.methods import METHODS, applicable, fit, left_out
from ensembles.metric import as_metric
from ensembles.nested import AUTO, evaluate_methods
from ensembles.nested.rows import PAIRED, PREFERENCE
from trainable.metrics import Asked, Metric

METHODS_TRIED = ["best_single", "mean_top5", "greedy"]
DRAWS = 6
every_metric = pytest.mark.parametrize("asked", EVERY, ids=lambda asked: getattr(asked, "__name__", asked))
Case = tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def case(seed: int) -> Case:
    """Probabilities, labels, folds and groups: three folds, groups of two or three rows, two to four classes."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(9), random.integers(2, 4, 9))
    members, rows, classes = int(random.integers(2, 7)), len(groups), int(random.integers(2, 5))
    labels = random.integers(0, classes, rows)
    table = random.dirichlet(np.full(classes, 0.6), (members, rows))
    table[:, np.arange(rows), labels] += random.uniform(0, 0.6, (members, 1))
    return table / table.sum(axis=2, keepdims=True), labels, groups % 3, groups


def vote(name: str, table: NDArray[Any], labels: NDArray[Any], test: NDArray[Any], metric: Metric) -> NDArray[Any]:
    """A method fitted and applied, from its definition."""
    order = np.argsort([-metric.score(labels, member) for member in table], kind="stable")
    chosen = {
        "best_single": order[:1].tolist(),
        "mean_top5": order[:5].tolist(),
        "greedy": brute_force(table, labels, 4, metric)[0] if name == "greedy" else [],
    }[name]
    total = np.sum([test[t] for t in chosen], axis=0)
    return np.asarray(total / total.sum(axis=1, keepdims=True))


def drawn(votes: NDArray[Any], labels: NDArray[Any], group: NDArray[Any], metric: Metric) -> NDArray[Any]:
    """The score of the rows as they are, then of each draw of their groups, with replacement."""
    names = np.unique(group)
    times = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    found = [metric.score(labels, votes)]
    for count in times:
        rows = np.concatenate([np.tile(np.flatnonzero(group == n), c) for n, c in zip(names, count, strict=True)])
        found.append(metric.score(labels[rows], votes[rows]))
    return np.array(found)


def chosen(scores: dict[str, NDArray[Any]], metric: Metric) -> str:
    best = scores[max(scores, key=lambda name: scores[name][0])]
    near = [
        name
        for name, own in scores.items()
        if best[0] - own[0] <= min(best[1:].std(), PAIRED * (best - own)[1:].std()) + 1e-13
    ]
    return min(near, key=PREFERENCE.index)


def nested(asked: Asked, data: Case) -> tuple[dict[str, NDArray[Any]], str]:
    """Nested scores over draws, auto's among them, and the method that auto takes."""
    table, labels, fold, groups = data
    metric = as_metric(asked, table.shape[2])

    @cache
    def without(out: frozenset[int], name: str) -> NDArray[Any]:
        seen = ~np.isin(fold, list(out))
        return vote(name, table[:, seen], labels[seen], table, metric)

    pooled = {name: np.empty(table.shape[1:]) for name in METHODS_TRIED}
    auto = np.empty(table.shape[1:])
    for k in range(3):
        for name in METHODS_TRIED:
            pooled[name][fold == k] = without(frozenset({k}), name)[fold == k]
        inner = {}
        for name in METHODS_TRIED:
            votes = np.empty(table.shape[1:])
            for j in {0, 1, 2} - {k}:
                votes[fold == j] = without(frozenset({j, k}), name)[fold == j]
            rest = fold != k
            inner[name] = drawn(votes[rest], labels[rest], groups[rest], metric)
        auto[fold == k] = without(frozenset({k}), chosen(inner, metric))[fold == k]
    scores = {name: drawn(votes, labels, groups, metric) for name, votes in {**pooled, AUTO: auto}.items()}
    plain = {name: own for name, own in scores.items() if name != AUTO}
    return scores, chosen(plain, metric)


def agrees(asked: Asked, seed: int) -> None:
    data = case(seed)
    table, labels, fold, groups = data
    found = evaluate_methods(table, labels, fold, groups, asked, methods=METHODS_TRIED, size=4)
    scores, best = nested(asked, data)
    for row in found.rows:
        own, ahead = scores[row.method], scores[row.method] - scores["best_single"]
        assert row.nested == pytest.approx(own[0], abs=1e-12), (seed, row.method)
        assert row.standard_error == pytest.approx(own[1:].std(), abs=1e-12), (seed, row.method)
        assert row.single_error == pytest.approx(ahead[1:].std(), abs=1e-12), (seed, row.method)
    assert found.chosen == best, seed
    metric = as_metric(asked, table.shape[2])
    for row in found.rows[:-1]:
        votes = found.fitted[row.method].apply(table)
        assert row.in_sample == pytest.approx(metric.score(labels, votes), abs=1e-12)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "REPLICATES", DRAWS)
    monkeypatch.setattr(bootstrap, "CALLS", DRAWS)


@every_metric
def test_equal_to_brute_force(asked: Asked) -> None:
    for seed in range(10):
        agrees(asked, seed)


@every_metric
@pytest.mark.slow
def test_equal_to_brute_force_in_two_hundred_cases(asked: Asked) -> None:
    for seed in range(10, 200):
        agrees(asked, seed)


@every_metric
def test_every_method_that_applies_fits_and_the_others_say_why(asked: Asked) -> None:
    table, labels, fold, groups = case(1)
    table, labels = table[:, :, :2] + 0.01, labels % 2
    table = np.concatenate([table, table[:, :, ::-1]], axis=2)
    table /= table.sum(axis=2, keepdims=True)
    unfit = left_out(4, (2, 2), asked)
    found = evaluate_methods(table, labels, fold, groups, asked, attributes=(2, 2), size=4)
    assert [row.method for row in found.rows] == [*applicable(4, (2, 2), asked), AUTO]
    assert {name for name in METHODS if METHODS[name].compared} - {row.method for row in found.rows} <= set(unfit)
    assert all(row.nested <= as_metric(asked, 4).highest for row in found.rows)
    for name, why in unfit.items():
        with pytest.raises(ValueError, match=f"{name} does not apply to 4 classes .*{why}"):
            fit(name, table, labels, attributes=(2, 2), metric=asked)


def test_what_is_left_out_of_which_table() -> None:
    def missing(asked: Asked) -> set[str]:
        return set(left_out(4, (2, 2), asked))

    assert missing("macro_f1") == missing("balanced_accuracy") == missing("mcc") == set()
    assert missing("f1:1") == missing("quadratic_kappa") == {"per_attribute"}
    assert missing("log_loss") == missing("brier") == {"hard_vote", "rank_mean"}
    assert missing("map_at_k:2") == {"per_attribute"}
    assert missing("roc_auc") == {"hard_vote", "bagged_greedy", "hill_climb"}
