"""The nested estimate: honest on noise, blind to the fold it scores, and its rule for choosing."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import ensembles.nested.evaluate as evaluate
from ensembles.methods import METHODS, applicable, fit
from ensembles.nested import AUTO, PREFERENCE, Row, evaluate_methods, taken
from ensembles.nested.rows import STEADY
from trainable.errors import InputError
from trainable.metrics import macro_f1

SINGLE = PREFERENCE[-1]
FEW = ["best_single", "mean_top5", "greedy"]


def noise(members: int = 30, people: int = 60, classes: int = 3, seed: int = 0) -> tuple[NDArray[Any], ...]:
    """Members that know nothing: probabilities, labels, fold, groups (5 rows each)."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(people), 5)
    labels = random.integers(0, classes, len(groups))
    table = random.dirichlet(np.ones(classes), (members, len(groups))).astype(np.float32)
    return table, labels, (groups % 5).astype(np.int8), groups


def test_selection_from_noise_shows_only_in_sample() -> None:
    for seed in range(3):
        evaluation = evaluate_methods(*noise(seed=seed), methods=FEW)
        rows = {row.method: row for row in evaluation.rows}
        assert list(rows) == [*FEW, AUTO]
        assert rows["greedy"].in_sample > 0.41
        assert abs(rows["greedy"].nested - 1 / 3) < 3 * rows["greedy"].standard_error
        assert rows["greedy"].optimism == rows["greedy"].in_sample - rows["greedy"].nested > 0.1
        assert abs(rows[AUTO].nested - 1 / 3) < 3 * rows[AUTO].standard_error


def test_nested_score_is_that_of_fits_on_the_other_folds() -> None:
    table, labels, fold, groups = noise()
    predicted = np.empty_like(labels)
    for k in range(5):
        seen = fold != k
        predicted[~seen] = fit("greedy", table[:, seen], labels[seen]).apply(table[:, ~seen]).argmax(axis=1)
    row = evaluate_methods(table, labels, fold, groups, methods=["greedy"]).rows[0]
    assert row.nested == macro_f1(labels, predicted, 3)


def test_labels_of_a_fold_do_not_reach_its_own_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fit sees whole groups, and never one of a fold it is applied to."""
    table, labels, fold, groups = noise()
    table[:, :, 0] = groups / 1000  # marks the rows; the columns need not sum to 1
    seen: list[set[int]] = []
    real = evaluate.fit

    class Watched:
        def __init__(self, rows: set[int], inner: Any) -> None:
            self.rows, self.inner, self.weights = rows, inner, inner.weights

        def apply(self, test: NDArray[Any], facts: Any = None) -> Any:
            used = set(np.round(test[0, :, 0] * 1000).astype(int).tolist())
            assert len(self.rows) == 60 or not used & self.rows  # fitted on all, or not on these
            return self.inner.apply(test)

    def watch(name: str, train: NDArray[Any], *args: Any, **kwargs: Any) -> Watched:
        rows = np.round(train[0, :, 0] * 1000).astype(int)
        assert (np.bincount(rows)[np.unique(rows)] == 5).all()
        seen.append(set(rows.tolist()))
        return Watched(seen[-1], real(name, train, *args, **kwargs))

    monkeypatch.setattr(evaluate, "fit", watch)
    evaluate_methods(table, labels, fold, groups, methods=["mean_top5"])
    assert sorted(map(len, seen)) == [36] * 10 + [48] * 5 + [60]


def test_a_class_absent_from_a_fold_and_every_method() -> None:
    table, labels, fold, groups = noise(members=4, people=20, classes=6)
    labels[fold == 2] %= 5
    evaluation = evaluate_methods(table, labels, fold, groups, attributes=(3, 2))
    assert [row.method for row in evaluation.rows] == [*applicable(6, (3, 2)), AUTO]
    assert set(evaluation.parts) <= set(METHODS)
    assert evaluation.fitted[evaluation.chosen].weights.shape == (4,)
    assert all(0 <= row.nested <= 1 and row.standard_error > 0 and row.members >= 1 for row in evaluation.rows)


def row(method: str, behind: float, behind_error: float) -> Row:
    return Row(method, 0.9, 0.8 - behind, 0.05, behind, behind_error, 0.02, 0.1 + behind, 3, 1.0)


POOL, GEOMETRIC = STEADY[1:]


@pytest.mark.parametrize(
    ("rows", "blend"),
    [
        # of each attribute, alone, up to two errors behind whatever is best
        ([row(STEADY[0], 0.03, 0.02), row(POOL, 0.0, 0.0), row("greedy", 0.01, 0.01)], [STEADY[0]]),
        ([row(STEADY[0], 0.03, 0.01), row(POOL, 0.0, 0.0)], [POOL]),
        # steady ones within an error of the better of them, the mean of both
        ([row(POOL, 0.02, 0.01), row(GEOMETRIC, 0.028, 0.01), row("greedy", 0.0, 0.0)], [POOL, GEOMETRIC]),
        ([row(GEOMETRIC, 0.0, 0.0), row(POOL, 0.02, 0.01), row(SINGLE, 0.01, 0.01)], [GEOMETRIC]),
        # another where it is clearly ahead: three errors of the difference, or one of the best score, here .05
        ([row(POOL, 0.04, 0.01), row("greedy", 0.0, 0.0), row(SINGLE, 0.0, 0.0)], ["greedy"]),
        ([row(POOL, 0.06, 0.04), row("greedy", 0.0, 0.0)], ["greedy"]),
        # without a steady one the first of the preference that is hardly behind
        ([row(SINGLE, 0.005, 0.01), row("greedy", 0.0, 0.0), row("mean_top5", 0.03, 0.01)], ["greedy"]),
        ([row("mean_top5", 0.03, 0.02), row(SINGLE, 0.0, 0.0), row(AUTO, 0.0, 0.0)], ["mean_top5"]),
    ],
)
def test_steady_methods_that_cannot_be_told_apart_are_blended(rows: list[Row], blend: list[str]) -> None:
    assert taken(rows) == blend


def test_a_blend_is_the_mean_of_its_methods_in_its_nested_score_too() -> None:
    """Two members that know different classes: whatever is taken, auto's row is that of the mean, fold by fold."""
    table, labels, fold, groups = noise(members=4)
    found = evaluate_methods(table, labels, fold, groups, methods=["log_pool", "geometric_mean"])
    votes = np.empty((len(labels), 3))
    for k in range(5):
        seen = fold != k
        inner = evaluate_methods(
            table[:, seen], labels[seen], fold[seen], groups[seen], methods=["log_pool", "geometric_mean"], auto=False
        )
        votes[~seen] = inner.fitted[inner.chosen].apply(table[:, ~seen])
        parts = [fit(name, table[:, seen], labels[seen], groups=groups[seen]) for name in inner.parts]
        np.testing.assert_allclose(votes[~seen], np.mean([p.apply(table[:, ~seen]) for p in parts], axis=0))
    assert found.rows[-1].method == AUTO
    assert found.rows[-1].nested == macro_f1(labels, votes.argmax(axis=1), 3)


def test_every_method_has_its_place_in_the_preference() -> None:
    assert sorted(PREFERENCE) == sorted(name for name, method in METHODS.items() if method.compared)


def test_progress_counts_every_fit() -> None:
    calls: list[tuple[int, int, str]] = []
    evaluate_methods(*noise(people=15), methods=["mean_top5", "greedy"], progress=lambda *call: calls.append(call))
    assert [call[0] for call in calls] == list(range(32))
    assert {call[1] for call in calls} == {32}


def test_metric_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match=r"unknown metric 'macro_f2'; nearest: macro_f1"):
        evaluate_methods(*noise(people=15), "macro_f2")
    assert evaluate_methods(*noise(people=15), "macro_f1", methods=FEW) is not None


def test_two_folds_are_halved_and_one_is_refused() -> None:
    table, labels, _, groups = noise(people=20)
    assert len(evaluate_methods(table, labels, groups % 2, groups, methods=["greedy"]).rows) == 2
    with pytest.raises(ValueError, match="at least 2 folds, found 1"):
        evaluate_methods(table, labels, groups * 0, groups, methods=["greedy"])


@pytest.mark.parametrize("people", [2, 3])
def test_two_folds_of_hardly_a_group_are_voted_too(people: int) -> None:
    """Two cameras, say: each fold is one group, and without both of them there is nothing to choose on."""
    table, labels, _, groups = noise(people=people)
    calls: list[tuple[int, int, str]] = []
    found = evaluate_methods(table, labels, groups % 2, groups, methods=FEW, progress=lambda *call: calls.append(call))
    assert found.said is not None and np.allclose(found.said.sum(1), 1)
    last = found.rows[-1]
    assert last.method == AUTO and last.nested == pytest.approx(macro_f1(labels, found.said.argmax(1), 3))
    assert len(calls) == calls[-1][1]


@pytest.mark.parametrize("seed", range(8))
def test_of_two_groups_neither_says_which_members_judge_its_own_vote(seed: int) -> None:
    """With --most the members differ by what is left out: a choice is judged on those that it was fitted on."""
    table, labels, _, groups = noise(members=9, people=2, seed=seed)
    other = np.where(groups == 0, (labels + 1) % 3, labels)
    first, second = (
        evaluate_methods(table, truth, groups, groups, methods=FEW, most=2).said for truth in (labels, other)
    )
    assert first is not None and second is not None and np.array_equal(first[groups == 0], second[groups == 0])


def test_a_group_in_two_folds_is_refused() -> None:
    table, labels, fold, groups = noise()
    fold[7] += 1
    with pytest.raises(ValueError, match=r"no group may lie in two folds, but rows \[5, 6, 7, 8, 9\] do"):
        evaluate_methods(table, labels, fold, groups, methods=["greedy"])


def test_group_bootstrap_widens_the_error_where_rows_of_a_group_agree() -> None:
    """Rows copied five times: the error by group is that of the distinct rows, the error by row is far too small."""
    table, labels, _, groups = noise(members=3, people=300)
    first = groups * 5
    table, labels = table[:, first], labels[first]
    by_group = evaluate_methods(table, labels, groups % 5, groups, methods=["best_single"]).rows[0]
    by_row = evaluate_methods(table, labels, groups % 5, None, methods=["best_single"]).rows[0]
    assert by_group.standard_error / by_row.standard_error == pytest.approx(5**0.5, rel=0.25)
