"""Where only so many members may vote, which ones is chosen without the rows that the nested score is of."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ensembles.contributions import _evaluated
from ensembles.members import Member, Members
from ensembles.nested import evaluate_methods
from trainable.data.attributes import PLAIN
from trainable.metrics import get
from trainable.run import Run


def table(members: int = 6, rows: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members that are good in a fold each: which are the best depends on the rows."""
    random = np.random.default_rng(3)
    labels, fold = random.integers(0, 3, rows), np.arange(rows) % 4
    sharp = 0.4 + 1.2 * (fold == np.arange(members)[:, None] % 4)
    logits = random.normal(size=(members, rows, 3)) + sharp[..., None] * np.eye(3)[labels]
    tables = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    return tables.astype(np.float32), labels, fold


@pytest.mark.parametrize("most", [1, 2, 3])
def test_nested_score_chooses_those_that_may_vote_without_its_own_rows(most: int) -> None:
    """Against scikit-learn: the mean of those that are the best on the other folds."""
    tables, labels, fold = table()
    said = np.zeros(len(labels), int)
    for k in range(4):
        others = fold != k
        own = [f1_score(labels[others], t[others].argmax(1), average="macro") for t in tables]
        best = np.argsort(own)[::-1][:most]
        said[fold == k] = tables[best][:, fold == k].mean(0).argmax(1)
    expected = f1_score(labels, said, average="macro")

    found = evaluate_methods(tables, labels, fold, methods=["best_single", "mean_top5"], most=most)
    rows = {row.method: row for row in found.rows}
    assert rows["mean_top5"].nested == pytest.approx(expected, abs=1e-6)
    every = [f1_score(labels, t.argmax(1), average="macro") for t in tables]
    assert found.kept.tolist() == sorted(np.argsort(every)[::-1][:most].tolist())
    assert len(found.fitted["mean_top5"].weights) == most
    biased = evaluate_methods(tables[found.kept], labels, fold, methods=["mean_top5"], auto=False).rows[0].nested
    assert rows["mean_top5"].nested < biased, "with those that all rows chose it promises more"


def test_one_that_may_vote_is_the_best_single_one() -> None:
    tables, labels, fold = table()
    names = ["best_single", "mean_top5", "greedy"]
    nested = {row.method: row.nested for row in evaluate_methods(tables, labels, fold, methods=names, most=1).rows}
    free = evaluate_methods(tables, labels, fold, methods=names)
    assert {nested[name] for name in (*names, "auto")} == {free.rows[0].nested}
    same = evaluate_methods(tables, labels, fold, methods=names, most=len(tables))
    assert [row.nested for row in same.rows] == [row.nested for row in free.rows] and len(same.kept) == len(tables)


def test_what_members_add_is_of_as_many_as_may_vote() -> None:
    tables, labels, fold = table()
    rows, measure = np.arange(len(labels)), get("macro_f1", ("a", "b", "c"))
    run = Run(Path("run"))
    alike = [Member(run.trial(f"t{i}"), 0.5) for i in range(len(tables))]
    held = Members(
        alike, tables, labels, fold, rows.astype(str), rows, ("a", "b", "c"), PLAIN, Path("data"), measure, run
    )
    whole = evaluate_methods(tables, labels, fold, held.groups, measure, most=2).rows[-1].nested
    assert _evaluated(held, np.ones(len(alike), bool), 50, 0, 2).rows[-1].nested == whole
    assert whole != evaluate_methods(tables, labels, fold, held.groups, measure).rows[-1].nested
