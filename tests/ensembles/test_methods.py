"""One contract for every method of the table."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensembles.method_names import METHODS_IN_WORDS
from ensembles.methods import METHODS, Context, applicable, blended, build_method, fit, load
from ensembles.metric import as_metric
from trainable.metrics import macro_f1

SIZES = (3, 2)
CLASSES = 6


def problem(
    members: int = 6, rows: int = 700, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Members of different quality on rows in groups of 7: probabilities, labels, groups."""
    random = np.random.default_rng(seed)
    labels = random.choice(CLASSES, rows, p=np.array([8, 6, 4, 3, 2, 1]) / 24)
    logits = random.normal(0, 1, (rows, CLASSES)) + random.normal(0, 1, (members, rows, CLASSES))
    logits[:, np.arange(rows), labels] += np.linspace(1.5, 2.5, members)[:, None]
    powers = np.exp(logits * random.uniform(0.5, 2, (members, 1, 1)))
    return (powers / powers.sum(axis=2, keepdims=True)).astype(np.float32), labels, np.arange(rows) // 7


def run(name: str, table: NDArray[Any], labels: NDArray[np.int64], groups: NDArray[np.int64] | None = None) -> Any:
    return fit(name, table, labels, groups=groups, seed=3, attributes=SIZES)


every_method = pytest.mark.parametrize("name", METHODS)


@every_method
def test_shapes_and_json_round_trip(name: str) -> None:
    table, labels, groups = problem()
    fitted = run(name, table[:, :350], labels[:350], groups[:350])
    scores = fitted.apply(table[:, 350:])
    assert scores.shape == (350, CLASSES)
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    assert (scores >= 0).all()
    assert fitted.weights.shape == (6,)
    assert fitted.weights.sum() == pytest.approx(1)
    assert (fitted.weights >= 0).all()
    again = load(name, json.loads(json.dumps(fitted.parameters)))
    np.testing.assert_array_equal(again.apply(table[:, 350:]), scores)
    np.testing.assert_array_equal(again.weights, fitted.weights)
    assert macro_f1(labels[350:], scores.argmax(axis=1), CLASSES) > 0.4


@every_method
def test_same_seed_same_answer(name: str) -> None:
    table, labels, groups = problem(rows=140)
    assert run(name, table, labels, groups).parameters == run(name, table, labels, groups).parameters


@every_method
def test_the_order_of_the_members_does_not_matter(name: str) -> None:
    table, labels, groups = problem()
    order = np.array([3, 0, 5, 1, 4, 2])
    one, other = run(name, table, labels, groups), run(name, table[order], labels, groups)
    np.testing.assert_allclose(other.weights, one.weights[order], atol=1e-9)
    np.testing.assert_allclose(other.apply(table[order]), one.apply(table), atol=1e-6)


@every_method
def test_renaming_the_classes_renames_the_answer(name: str) -> None:
    table, labels, groups = problem()
    new = np.arange(CLASSES).reshape(SIZES)[[2, 0, 1]][:, [1, 0]].ravel()  # class i is what class new[i] was
    one, other = run(name, table, labels, groups), run(name, table[:, :, new], np.argsort(new)[labels], groups)
    np.testing.assert_allclose(other.apply(table[:, :, new]), one.apply(table)[:, new], atol=1e-6)


@every_method
def test_copies_of_a_member_do_no_harm(name: str) -> None:
    table, labels, groups = problem(seed=1)
    fresh, truth, _ = problem(seed=2)
    plain = run(name, table, labels, groups).apply(fresh)
    best = int(run("best_single", table, labels).weights.argmax())
    copies = [*range(6), best, best, best, 0, 0]
    with_copies = run(name, table[copies], labels, groups).apply(fresh[copies])
    plain_score, score = (macro_f1(truth, scores.argmax(axis=1), CLASSES) for scores in (plain, with_copies))
    assert score > plain_score - 0.02


@every_method
def test_a_single_member(name: str) -> None:
    table, labels, groups = problem(members=1)
    fitted = run(name, table, labels, groups)
    assert fitted.weights.tolist() == [1]
    if name not in ("attribute_pool", "per_attribute", "stacking", "row_stacking"):
        np.testing.assert_array_equal(fitted.apply(table).argmax(axis=1), table[0].argmax(axis=1))


@every_method
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_rows_and_absent_classes(name: str, rows: int) -> None:
    table, labels, groups = problem(members=3)
    scores = run(name, table[:, :rows], labels[:rows], groups[:rows]).apply(table)
    assert np.isfinite(scores).all()


@every_method
def test_groups_are_optional_and_float16_is_read(name: str) -> None:
    table, labels, _ = problem(rows=70)
    assert run(name, table.astype(np.float16), labels).apply(table.astype(np.float16)).shape == (70, CLASSES)


@every_method
@pytest.mark.parametrize("value", [np.nan, -0.5, 2.0])
def test_what_is_no_probability_is_refused(name: str, value: float) -> None:
    table, labels, groups = problem(rows=70)
    table[4, 3, 2] = value
    with pytest.raises(ValueError, match="member 4, row 3, class 2"):
        run(name, table, labels, groups)


@every_method
def test_other_members_than_fitted_are_refused(name: str) -> None:
    table, labels, groups = problem(rows=70)
    with pytest.raises(ValueError, match=f"{name} was fitted on 6 members.*not \\(5, 70, 6\\)"):
        run(name, table, labels, groups).apply(table[:5])


def test_a_blend_is_the_mean_of_votes_and_comes_back_from_json() -> None:
    table, labels, groups = problem(rows=140)
    parts = [run(name, table, labels, groups) for name in ("log_pool", "geometric_mean", "greedy")]
    blend = blended(parts)
    expected = np.mean([part.apply(table) for part in parts], axis=0)
    again = load("blend", json.loads(json.dumps(blend.parameters)))
    for one in (blend, again, blend.method.fit(table, labels, Context(as_metric("macro_f1", CLASSES), groups, 3))):
        made = one if not isinstance(one, dict) else load("blend", one)
        np.testing.assert_allclose(made.apply(table), expected, atol=1e-12)
    assert blend.weights == pytest.approx(np.mean([part.weights for part in parts], axis=0))
    assert blended(parts[:1]) is parts[0]


def test_attribute_pool_is_a_log_pool_of_each_attribute() -> None:
    table, labels, groups = problem(rows=350)
    vote = run("attribute_pool", table, labels, groups).apply(table).reshape(-1, *SIZES)
    first = table.reshape(6, -1, *SIZES).sum(3)
    pool = fit("log_pool", first / first.sum(2, keepdims=True), labels // SIZES[1])
    np.testing.assert_allclose(vote.sum(2), pool.apply(first), atol=1e-5)


def test_the_table_runs_from_simple_to_complex() -> None:
    names = list(METHODS)
    assert names == list(METHODS_IN_WORDS), "which help texts list"
    assert names[:2] == ["best_single", "mean_top5"]
    assert names.index("greedy") < names.index("attribute_pool")
    assert all(METHODS[name].name == name for name in names)


def test_unknown_method() -> None:
    with pytest.raises(ValueError, match="unknown method 'gredy'; nearest: greedy"):
        build_method("gredy")


def test_per_attribute_needs_classes_that_factor() -> None:
    assert "per_attribute" in applicable(18, (3, 2, 3))
    assert "per_attribute" not in applicable(18)
    assert "per_attribute" not in applicable(17, (3, 2, 3))
    table, labels, _ = problem(rows=70)
    with pytest.raises(ValueError, match=r"per_attribute does not apply to 6 classes with attributes \(\)"):
        fit("per_attribute", table, labels)


def test_ranks_do_not_depend_on_how_sharp_a_member_is() -> None:
    table, labels, groups = problem(rows=350)
    sharp = table.astype(np.float64) ** np.linspace(0.3, 3, 6)[:, None, None]
    fitted = run("rank_mean", table.astype(np.float64), labels, groups)
    own = np.searchsorted(np.sort(table[5].ravel()), table[5].ravel(), side="right") / table[5].size
    levels, ranks = fitted.parameters["levels"][5], fitted.parameters["ranks"][5]
    np.testing.assert_allclose(np.interp(table[5].ravel(), levels, ranks), own, atol=0.02)
    sharp = np.minimum(sharp, 1)  # monotone in each cell, so that all ranks stay
    other = fit("rank_mean", sharp, labels, groups=groups)
    assert (other.apply(sharp).argmax(1) == fitted.apply(table.astype(np.float64)).argmax(1)).mean() > 0.98


def test_hill_climbing_subtracts_what_members_have_in_common() -> None:
    """The second member is the first's error alone: no mean of both beats the first, their difference does."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 900)
    error = random.dirichlet(np.full(3, 0.4), 900)
    table = np.stack([0.45 * np.eye(3)[labels] + 0.55 * error, error]).astype(np.float32)
    climbed, greedy = (run_plain(name, table, labels) for name in ("hill_climb", "greedy"))
    assert climbed.parameters["signed"][1] < 0 < climbed.parameters["signed"][0]
    scores = [macro_f1(labels, one.apply(table).argmax(1), 3) for one in (climbed, greedy)]
    assert scores[0] == 1 and scores[1] < 0.95
    assert sum(climbed.parameters["signed"]) == pytest.approx(1)


def run_plain(name: str, table: NDArray[Any], labels: NDArray[np.int64]) -> Any:
    return fit(name, table, labels, seed=3)


def test_stacking_learns_which_classes_members_confuse_and_nothing_from_permuted_labels() -> None:
    """Members call every second photo of class 2 class 1; classes that stand on nothing stay at chance."""
    random = np.random.default_rng(0)
    table, labels, _ = problem(rows=2000)
    table[:, labels == 2] = table[:, labels == 2][:, :, [0, 2, 1, 3, 4, 5]] * 0.7 + 0.05
    known, new = slice(0, 1000), slice(1000, 2000)
    scores = {
        name: macro_f1(labels[new], run_plain(name, table[:, known], labels[known]).apply(table[:, new]).argmax(1), 6)
        for name in ("geometric_mean", "stacking")
    }
    assert scores["stacking"] > scores["geometric_mean"] + 0.02
    dealt = random.permutation(labels)
    votes = run_plain("stacking", table[:, known], dealt[known]).apply(table[:, new]).argmax(1)
    chance = (np.bincount(labels) / len(labels)).max()
    assert (votes == dealt[new]).mean() < chance + 3 * np.sqrt(chance / 1000)
