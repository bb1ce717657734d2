"""What a build tells at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ensembles.choice import Choice
from ensembles.members import Member, Members
from ensembles.nested import evaluate_methods
from ensembles.told import conclusion, reason, table_of_methods
from trainable.metrics import get
from trainable.run import Run

CLASSES = ("a", "b", "c")


def choice(members: int, asked: str, metric: str = "macro_f1") -> Choice:
    """Of made-up members that are right more often than not."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 90)
    logits = random.normal(size=(members, 90, 3)) + 1.5 * np.eye(3)[labels]
    tables = (np.exp(logits) / np.exp(logits).sum(2, keepdims=True)).astype(np.float32)
    fold, measure = np.arange(90) % 3, get(metric, CLASSES)
    rows = np.arange(90)
    alike = [Member(Run(Path("run")).trial(f"t{i}"), 0.5) for i in range(members)]
    groups, home = rows.astype(str), Run(Path("run"))
    held = Members(alike, tables, labels, fold, groups, rows, CLASSES, (), Path("data"), measure, home)
    evaluation = evaluate_methods(tables, labels, fold, rows, metric=measure)
    method = evaluation.chosen if asked == "auto" else asked
    return Choice(held, members, evaluation, method, [0], 0)


@pytest.fixture(scope="module")
def automatic() -> Choice:
    return choice(4, "auto")


def test_table_fits_a_narrow_terminal_with_the_word_that_counts(automatic: Choice) -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table_of_methods(automatic, console))
    lines = captured.get().splitlines()
    chosen = [line.split()[0] for line in lines if line.rstrip().endswith("chosen")]
    assert sorted(chosen) == sorted(automatic.parts) and "…" not in captured.get()


@pytest.mark.parametrize("width", [25, 32, 40])
def test_narrower_terminal_loses_columns_and_no_digits(automatic: Choice, width: int) -> None:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table_of_methods(automatic, console))
    rows = {row.method: automatic.members.metric.text(row.nested) for row in automatic.evaluation.rows}
    lines = [line.split() for line in captured.get().splitlines()]
    told = {line[0]: line for line in lines if line and line[0] in rows}
    assert told.keys() == rows.keys() and all(nested in told[method] for method, nested in rows.items())


def test_reason_names_the_rule(automatic: Choice) -> None:
    said = reason(automatic, "auto")
    assert said.startswith(f"method {automatic.method}: ") and " of 4 members; " in said
    assert "nested it cannot be told from the best here" in said or "nested score is the best" in said
    assert reason(choice(3, "greedy"), "greedy").endswith("of 3 members, as asked")


def test_conclusion_has_one_name_for_each_score(automatic: Choice) -> None:
    single, vote, ahead = conclusion(automatic, "auto")
    rows = automatic.rows
    assert single == (
        f"best single trial: nested {rows['best_single'].nested:.4f} (in-sample {rows['best_single'].in_sample:.4f}, "
        "the best of 4, so that luck is in it)"
    )
    assert vote.startswith(f"vote: nested {rows['auto'].nested:.4f} ± ") and "the choice of method inside" in vote
    gap = rows["auto"].nested - rows["best_single"].nested
    error = rows["auto"].single_error
    assert f"{abs(gap):.4f} ± {error:.4f} {'ahead of' if gap >= 0 else 'behind'} the best single trial" in ahead
    assert ("less than a standard error" in ahead) == (abs(gap) < error)


def test_scores_that_are_equal_are_not_ahead() -> None:
    same = choice(3, "greedy")
    rows = [replace(row, nested=0.5, standard_error=0.0) for row in same.evaluation.rows]
    *_, doubt, ahead = conclusion(replace(same, evaluation=replace(same.evaluation, rows=rows)), "greedy")
    assert ahead == "nested, the vote is as good as the best single trial"
    assert doubt.startswith("an error of 0 means that these photos are too few, or too easy")


def test_one_trial_is_not_compared_with_itself() -> None:
    assert len([*conclusion(choice(1, "best_single"), "best_single")]) == 2


def test_losses_are_read_with_their_own_sign() -> None:
    told = [*conclusion(choice(3, "greedy", "log_loss"), "greedy")]
    assert "nested 0." in told[0] and "-" not in told[0].replace("in-sample", "")


def test_a_member_that_alone_may_vote_was_chosen_among_all() -> None:
    single, _ = conclusion(replace(choice(1, "best_single"), candidates=4), "best_single")
    assert single.endswith(", the best of 4, so that luck is in it)")


def test_a_vote_that_does_worse_on_its_own_rows_is_said_to_be_unlucky(automatic: Choice) -> None:
    row = automatic.rows["auto"]
    lucky = [replace(r, nested=row.in_sample + 0.1) if r.method == "auto" else r for r in automatic.evaluation.rows]
    _, vote, *_ = conclusion(replace(automatic, evaluation=replace(automatic.evaluation, rows=lucky)), "auto")
    assert ", which is worse by luck)" in vote
    assert not any("by luck)" in line for line in conclusion(automatic, "auto"))
