"""Closed forms against scikit-learn; statistics of parts against the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier

from trainable.data.pseudo_labels import SoftLabels
from trainable.errors import InputError
from trainable.features.closed import CLOSED, alpha, lda, ridge
from trainable.features.direct import logistic_path, spread
from trainable.features.moments import Moments
from trainable.features.table import FeatureTable

ROWS, WIDTH, CLASSES, PARTS = 700, 24, 5, 4
LEFT_OUT = 1


@pytest.fixture(scope="module")
def problem() -> tuple[FeatureTable, np.ndarray, np.ndarray]:
    """A table of two blocks whose rows lie in another order, labels of uneven classes, parts."""
    random = np.random.default_rng(3)
    labels = random.choice(CLASSES, ROWS, p=[0.5, 0.25, 0.15, 0.06, 0.04])
    mixing = random.normal(size=(WIDTH, WIDTH))
    values = (random.normal(size=(CLASSES, WIDTH))[labels] + random.normal(size=(ROWS, WIDTH)) + 2) @ mixing
    place = random.permutation(ROWS)
    stored = np.empty((ROWS, WIDTH), np.float16)
    stored[place] = values
    return FeatureTable([stored[:, :10], stored[:, 10:]], place), labels, random.integers(0, PARTS, ROWS)


@pytest.mark.parametrize("solver", ["lsqr", "eigen"])
@pytest.mark.parametrize("shrinkage", [0.01, 0.3, 0.9])
def test_discriminant_is_scikit_learns(problem: tuple, shrinkage: float, solver: str) -> None:
    table, labels, part = problem
    seen, rows = np.flatnonzero(part != LEFT_OUT), np.flatnonzero(part == LEFT_OUT)
    head = lda(Moments.of(table, labels, part, CLASSES).without(LEFT_OUT), shrinkage)
    theirs = LinearDiscriminantAnalysis(solver=solver, shrinkage=shrinkage)
    theirs.fit(table.rows(seen, np.float64), labels[seen])
    logits = head.logits(table.rows(rows, np.float64))
    ours = np.exp(logits - logits.max(1, keepdims=True))
    ours /= ours.sum(1, keepdims=True)
    assert np.abs(ours - theirs.predict_proba(table.rows(rows, np.float64))).max() < 1e-6


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("shrinkage", [0.01, 0.5])
def test_ridge_is_scikit_learns(problem: tuple, shrinkage: float, balanced: bool) -> None:
    table, labels, part = problem
    seen, rows = np.flatnonzero(part != LEFT_OUT), np.flatnonzero(part == LEFT_OUT)
    counts = np.bincount(labels[seen], minlength=CLASSES)
    weights = len(seen) / (CLASSES * counts) if balanced else np.ones(CLASSES)
    statistics = Moments.of(table, labels, part, CLASSES, by_class=balanced).without(LEFT_OUT, weights=weights)
    theirs = RidgeClassifier(alpha=alpha(statistics, shrinkage), class_weight="balanced" if balanced else None)
    theirs.fit(table.rows(seen, np.float64), labels[seen])
    values = table.rows(rows, np.float64)
    assert ridge(statistics, shrinkage).logits(values) == pytest.approx(theirs.decision_function(values), abs=1e-6)


def test_weighed_discriminant_is_that_of_repeated_rows(problem: tuple) -> None:
    table, labels, part = problem
    weights = np.array([1.0, 2.0, 1.0, 3.0, 1.0])
    again = np.repeat(np.arange(ROWS), weights[labels].astype(int))
    repeated = FeatureTable(table.blocks, table.place[again])
    ours = lda(Moments.of(table, labels, part, CLASSES, by_class=True).without(0, weights=weights), 0.2)
    theirs = lda(Moments.of(repeated, labels[again], part[again], CLASSES).without(0), 0.2)
    assert ours.weight == pytest.approx(theirs.weight, abs=1e-8)
    assert ours.bias == pytest.approx(theirs.bias, abs=1e-8)


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("name", CLOSED)
def test_rows_of_two_halves_are_a_row_of_each(problem: tuple, name: str, by_class: bool) -> None:
    """Against the rows repeated: twice those of one class, once a class those of two."""
    table, labels, part = problem
    halves = np.flatnonzero(np.arange(ROWS) % 5 == 0)
    other = (labels + 1) % CLASSES
    soft = SoftLabels(halves, ((np.eye(CLASSES)[labels] + np.eye(CLASSES)[other]) / 2).astype(np.float32)[halves])
    again = np.repeat(np.arange(ROWS), 2)
    twice = np.where(np.isin(again, halves) & (np.arange(2 * ROWS) % 2 == 1), other[again], labels[again])
    repeated = FeatureTable(table.blocks, table.place[again])
    weights = np.array([1.0, 2.0, 1.0, 3.0, 1.0]) if by_class else np.ones(CLASSES)
    ours = Moments.of(table, labels, part, CLASSES, by_class=by_class, soft=soft).without(0, weights=weights)
    theirs = Moments.of(repeated, twice, part[again], CLASSES, by_class=by_class).without(0, weights=weights)
    one, two = CLOSED[name](ours, 0.2), CLOSED[name](theirs, 0.2)
    assert one.weight == pytest.approx(two.weight, abs=1e-8) and one.bias == pytest.approx(two.bias, abs=1e-8)
    if name == "lda" and by_class:  # the same of the head that looks at the rows themselves
        values, pair = table.rows(np.arange(ROWS)), table.rows(again)
        given = logistic_path(values, labels, weights, [0.1], soft=spread(np.arange(ROWS), soft))[0.1]
        doubled = logistic_path(pair, twice, weights, [0.1])[0.1]
        assert given.weight == pytest.approx(doubled.weight, abs=2e-3)


def test_statistics_of_parts_are_those_of_their_rows(problem: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    table, labels, part = problem
    monkeypatch.setattr("trainable.features.table.STREAMED", 60 * WIDTH)
    some = np.where(np.arange(ROWS) % 7 == 0, -1, labels)  # rows that do not train
    moments = Moments.of(table, some, part, CLASSES, by_class=True)
    rows = np.flatnonzero((some >= 0) & ~np.isin(part, [0, 2]))
    values = table.rows(rows, np.float64)
    found = moments.without(0, 2)
    assert found.gram == pytest.approx(values.T @ values)
    assert found.counts.tolist() == np.bincount(labels[rows], minlength=CLASSES).tolist()
    assert found.sums[2] == pytest.approx(values[labels[rows] == 2].sum(0))
    assert found.scatter == pytest.approx(np.cov(values.T, bias=True) * len(rows), abs=1e-6)
    within = sum(np.cov(values[labels[rows] == c].T, bias=True) * (labels[rows] == c).mean() for c in range(CLASSES))
    assert found.within == pytest.approx(within, abs=1e-8)


@pytest.mark.parametrize("name", CLOSED)
def test_class_without_rows_is_never_answered(problem: tuple, name: str) -> None:
    table, labels, part = problem
    some = np.where(labels == 3, -1, labels)
    head = CLOSED[name](Moments.of(table, some, part, CLASSES).without(), 0.1)
    logits = head.logits(table.rows(np.arange(ROWS)))
    assert np.isfinite(logits).all()
    assert not (logits.argmax(1) == 3).any()
    assert (logits.argmax(1) == labels)[labels != 3].mean() > 0.6


@pytest.mark.parametrize("name", CLOSED)
def test_covariance_that_is_singular_is_one_line(name: str) -> None:
    table = FeatureTable([np.zeros((6, 3), np.float16)], np.arange(6))
    statistics = Moments.of(table, np.arange(6) % 2, np.zeros(6, np.int64), 2).without()
    with pytest.raises(InputError, match=r"head\.shrinkage: received 0\.1, which leaves .* singular"):
        CLOSED[name](statistics, 0.1)
