"""Many classes: what a vote, its comparison and its tables cost grows no faster than their number."""

import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import write_table
from numpy.typing import NDArray

from ensembles.compare.command import main as compare
from ensembles.compare.comparison import compare as compared
from ensembles.nested import AUTO, evaluate_methods

SECONDS = 15.0  # of CPU; 3 at the time of writing
COPIES = 10  # of the members' table; 25 where every method's vote is kept


def problem(rows: int, classes: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Two members' probabilities [2, N, C] that are right now and then, labels int[N] and a fold for each row."""
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, rows)
    table = random.random((2, rows, classes)).astype(np.float32)
    table[:, np.arange(rows), labels] += random.random((2, rows)).astype(np.float32)
    return table / table.sum(2, keepdims=True), labels, np.arange(rows) % 3


def test_ten_thousand_classes_are_voted_on_in_seconds() -> None:
    table, labels, fold = problem(16, 10_000)
    start = time.process_time()
    found = evaluate_methods(table, labels, fold)
    assert time.process_time() - start < SECONDS
    assert found.rows[-1].method == AUTO and found.said is not None and found.said.shape == (16, 10_000)


def test_comparing_methods_holds_no_vote_of_each() -> None:
    table, labels, fold = problem(600, 1000)
    methods = ["best_single", "mean_top5", "hard_vote", "geometric_mean", "greedy"]
    tracemalloc.start()
    evaluate_methods(table, labels, fold, methods=methods)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < COPIES * table.nbytes


def test_submissions_of_many_classes_are_compared_by_those_that_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = np.stack([np.arange(20_000) % 10_000] * 2)
    predictions[1, :3] = 9999
    found = compared(predictions, tuple(map(str, range(10_000))))
    assert (found.gained[1, 9999], found.lost[1, :4].tolist()) == (3, [1, 1, 1, 0])
    files = [tmp_path / f"{s}.csv" for s in range(2)]
    for file, said in zip(files, predictions[:, :400], strict=True):
        write_table(file, ("id", "label"), list(enumerate(said)))
    assert compare([str(f) for f in files]) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) < 80
    shown = " ".join(shown.split())
    assert "the 60 of 401 that changed most" in shown and "3 (+3 -0)" in shown
