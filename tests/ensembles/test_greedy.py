"""Greedy selection against a brute force that recounts everything, on thousands of small cases."""

import tracemalloc
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensembles.greedy import Selection, greedy_selection, member_scores
from ensembles.greedy.compiled import compiled
from trainable.errors import InputError
from trainable.metrics import macro_f1


def brute_force(table: NDArray[Any], labels: NDArray[np.int64], size: int) -> tuple[list[int], float]:
    """Path and score as the module's docstring defines them, every vote recounted from the table."""
    members, _, classes = table.shape
    path: list[int] = []
    scores: list[float] = []
    for _ in range(size):
        total = sum((table[t].astype(np.float64) for t in path), np.zeros(table.shape[1:]))
        score = [macro_f1(labels, (total + table[t]).argmax(axis=1), classes) for t in range(members)]
        tied = [t for t in range(members) if score[t] >= max(score) - 1e-12]
        path.append(next((t for t in tied if t in path), tied[0]))
        scores.append(score[path[-1]])
    kept = next(k for k, score in enumerate(scores, 1) if score >= max(scores) - 1e-12)
    return path[:kept], scores[kept - 1]


def case(seed: int, members: int = 7, rows: int = 40, classes: int = 6) -> tuple[NDArray[Any], NDArray[np.int64], str]:
    """A random problem of at most that size; every third on a grid of eighths, so that votes and scores tie."""
    random = np.random.default_rng(seed)
    members, rows, classes = (int(random.integers(1, top + 1)) for top in (members, rows, classes))
    labels = random.integers(0, classes, rows)
    table = random.dirichlet(np.full(classes, 0.5), (members, rows))
    table[:, np.arange(rows), labels] += random.uniform(0, 0.5)
    table /= table.sum(axis=2, keepdims=True)
    if seed % 3 == 0:
        table = np.round(table * 8) / 8
    dtype = ("float32", "float16", "float64")[seed % 7 % 3]
    return table.astype(dtype), labels, dtype


def check(selection: Selection, table: NDArray[Any], labels: NDArray[np.int64], size: int) -> None:
    path, score = brute_force(table, labels, size)
    assert selection.path == path
    assert selection.score == pytest.approx(score, abs=1e-12)
    assert selection.counts.tolist() == np.bincount(path, minlength=len(table)).tolist()
    assert selection.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("block", range(10))
def test_equal_to_brute_force(block: int) -> None:
    for seed in range(block * 250, (block + 1) * 250):
        table, labels, _ = case(seed)
        check(greedy_selection(table, labels, 8), table, labels, 8)


@pytest.mark.parametrize("seed", range(20))
def test_equal_to_brute_force_where_rows_settle_and_columns_are_kept(seed: int) -> None:
    table, labels, _ = case(seed, members=60, rows=400, classes=18)
    check(greedy_selection(table, labels, 12), table, labels, 12)


def test_equal_with_threads() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 6000)
    table = random.dirichlet(np.ones(5), (20, 6000)).astype(np.float32)
    check(greedy_selection(table, labels, 6), table, labels, 6)


@pytest.mark.parametrize("seed", range(40))
def test_score_is_that_of_the_vote_it_describes(seed: int) -> None:
    table, labels, _ = case(seed * 3 + 1)
    selection = greedy_selection(table, labels, 10)
    vote = np.tensordot(selection.counts, table.astype(np.float64), 1)
    assert selection.score == pytest.approx(macro_f1(labels, vote.argmax(axis=1), table.shape[2]), abs=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_one_pick_is_the_optimum_of_one(seed: int) -> None:
    table, labels, _ = case(seed)
    scores = [macro_f1(labels, member.argmax(axis=1), table.shape[2]) for member in table]
    np.testing.assert_allclose(member_scores(table, labels), scores, atol=1e-12)
    assert greedy_selection(table, labels, 1).score == pytest.approx(max(scores), abs=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_two_copies_of_two_votes_reach_the_exhaustive_optimum(seed: int) -> None:
    """Each member is right on its own half of the rows and undecided elsewhere: picking both is best."""
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(3), 20)
    table = np.tile(random.dirichlet(np.ones(3) * 20, 60), (2, 1, 1))
    table[0, :30] = 0.02 + 0.94 * np.eye(3)[labels[:30]]
    table[1, 30:] = 0.02 + 0.94 * np.eye(3)[labels[30:]]
    every = [macro_f1(labels, (a * table[0] + b * table[1]).argmax(axis=1), 3) for a, b in product(range(4), repeat=2)]
    assert greedy_selection(table, labels, 4).score == pytest.approx(max(every), abs=1e-12)


def test_a_perfect_member_ends_the_search() -> None:
    labels = np.array([0, 1, 2, 1])
    table = np.stack([np.full((4, 3), 1 / 3), np.eye(3)[labels]])
    selection = greedy_selection(table, labels)
    assert (selection.path, selection.score, selection.weights.tolist()) == ([1], 1.0, [0, 1])


def test_ties_go_to_members_already_picked_then_to_the_lower_index() -> None:
    labels = np.array([0, 1, 1, 0])
    table = np.tile(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.6, 0.4]]), (3, 1, 1))
    assert greedy_selection(table, labels, 5).path == [0]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_memory_map_is_read_in_place(tmp_path: Path, dtype: str) -> None:
    random = np.random.default_rng(1)
    table = random.dirichlet(np.ones(4), (6, 300)).astype(dtype)
    labels = random.integers(0, 4, 300)
    np.save(tmp_path / "p.npy", table)
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    assert greedy_selection(mapped, labels, 9).path == greedy_selection(table, labels, 9).path
    check(greedy_selection(mapped, labels, 9), table, labels, 9)


def test_strided_input_needs_no_copy() -> None:
    random = np.random.default_rng(2)
    table = random.dirichlet(np.ones(4), (6, 300)).astype(np.float32)
    labels = random.integers(0, 4, 150)
    check(greedy_selection(table[:, ::2], labels, 9), table[:, ::2], labels, 9)


GOOD = np.full((2, 4, 3), 1 / 3)


def spoiled(value: float) -> NDArray[np.float64]:
    table = GOOD.copy()
    table[1, 2, 0] = value
    return table


@pytest.mark.parametrize(
    ("table", "labels", "size", "message"),
    [
        (spoiled(np.nan), [0, 1, 2, 0], 5, "found nan at member 1, row 2, class 0"),
        (spoiled(-0.1), [0, 1, 2, 0], 5, "found -0.1 at member 1"),
        (spoiled(1.01), [0, 1, 2, 0], 5, "found 1.01 at member 1"),
        (spoiled(np.inf), [0, 1, 2, 0], 5, "found inf"),
        (GOOD[0], [0, 1, 2, 0], 5, r"\[members, rows, classes\].*\(4, 3\)"),
        (GOOD[:0], [0, 1, 2, 0], 5, "none of them 0"),
        (GOOD.astype(int), [0, 1, 2, 0], 5, "float16, float32 or float64, not int64"),
        (GOOD, [0, 1, 2], 5, r"labels must be whole numbers \[4\]"),
        (GOOD, [0.0, 1, 2, 0], 5, "not float64"),
        (GOOD, [0, 1, 2, 3], 5, r"0\.\.2, found 0\.\.3"),
        (GOOD, [0, 1, 2, -1], 5, r"found -1\.\.2"),
        (GOOD, [0, 1, 2, 0], 0, "size must be at least 1, not 0"),
    ],
)
def test_what_is_refused(table: NDArray[Any], labels: list[int], size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        greedy_selection(table, np.array(labels), size)


def test_an_overshoot_of_rounding_is_allowed() -> None:
    assert greedy_selection(spoiled(1.0005), np.array([0, 1, 2, 0])).score >= 0


def test_little_memory_beside_the_input() -> None:
    random = np.random.default_rng(3)
    table = random.dirichlet(np.ones(18), (150, 1500)).astype(np.float32)
    labels = random.integers(0, 18, 1500)
    greedy_selection(table[:3], labels, 2)
    tracemalloc.start()
    greedy_selection(table, labels, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.2 * table.nbytes


def test_compiled_without_a_place_for_its_cache() -> None:
    space: dict[str, Any] = {}
    exec("def double(x):\n    return 2 * x", space)  # no file: numba finds no folder to keep it in
    assert compiled(space["double"])(21) == 42


def test_metric_that_is_not_known_is_refused() -> None:
    table = np.full((1, 2, 2), 0.5, np.float32)
    assert greedy_selection(table, [0, 1], metric="macro_f1").path == [0]
    with pytest.raises(InputError, match="unknown metric 'acuracy'; nearest: accuracy"):
        greedy_selection(table, [0, 1], metric="acuracy")
