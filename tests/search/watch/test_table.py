"""The table of a search, in a log and on a terminal."""

import io
import math
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from directing import EPOCHS, FOLDS, finish
from rich.console import Console

from search.race import Race
from search.space import Search
from search.watch.log import Log
from search.watch.table import LiveTable
from search.watch.tally import Tally
from trainable.run import Run
from trainable.training.report import Report


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def table() -> LiveTable:
    clock = iter(range(0, 10_000, 10))
    console = Console(file=io.StringIO(), width=200)
    search = Search(trials=4, folds=FOLDS, epochs=EPOCHS)
    log = Log(search, 24, Tally(EPOCHS * FOLDS, EPOCHS), console=console, clock=lambda: float(next(clock)))
    return LiveTable(log)


def said(step: int, score: float) -> Report:
    fold = (step - 1) // EPOCHS
    return Report(step, fold, score, decides=True, fold_done=False, metrics={"images_per_second": 50.0})


def text(table: LiveTable) -> str:
    assert isinstance(table.console.file, io.StringIO)
    return table.console.file.getvalue()


def shown(table: LiveTable) -> list[str]:
    with table.console.capture() as captured:
        table.console.print(table.render())
    return captured.get().splitlines()


def test_log_has_a_line_for_every_trial_that_ends(table: LiveTable, run: Run) -> None:
    a, b, c = finish(run.trial("a"), 0.625), run.trial("b"), run.trial("c")
    with table:
        for trial in (a, b, c):
            table.began(trial)
        table.reported(a, said(6, 0.5))
        table.ended(a, "complete", "")
        table.reported(b, said(1, 0.25))
        table.ended(b, "stopped", "rank 3 of 3")
        table.ended(c, "failed", "ValueError: x")
    lines = text(table).splitlines()
    assert "trial 1 a: complete after 6 epochs, score 0.6250" in lines
    assert "trial 2 b: stopped after 1 epoch, score 0.2500 (rank 3 of 3)" in lines
    assert "trial 3 c: failed after 0 epochs (ValueError: x)" in lines
    assert "\x1b" not in text(table)


def test_summary_counts_states_and_names_the_best(table: LiveTable, run: Run) -> None:
    table.tally.earlier = Counter(complete=2)
    a, b = finish(run.trial("a"), 0.625), run.trial("b")
    table.began(a)
    table.began(b)
    table.reported(a, said(6, 0.5))
    table.ended(a, "complete", "")
    summary = table.log.summary()
    for part in ("1 running", "0 stopped", "3 complete", "0 failed", "of 4 trials", "best 0.6250 (a)", " left"):
        assert part in summary
    assert "; vote " in summary and " of 1, in-sample; " in summary
    assert "; 1 of about 24 epochs; " in summary


def test_time_left_is_unknown_first_and_counts_down(table: LiveTable, run: Run) -> None:
    assert table.log.time_left() == "unknown time"
    a = run.trial("a")
    table.began(a)
    table.reported(a, said(1, 0.5))
    table.ended(a, "stopped", "")
    assert table.log.time_left().startswith("about ")


def test_terminal_table_shows_running_trials_first(table: LiveTable, run: Run) -> None:
    for name in ("first", "second"):
        table.began(run.trial(name))
    table.ended(run.trial("first"), "stopped", "")
    rows = shown(table)
    assert next(i for i, r in enumerate(rows) if "second" in r) < next(i for i, r in enumerate(rows) if "first" in r)


def test_table_shows_rungs_votes_and_errors(table: LiveTable, run: Run) -> None:
    table.race = Race(epochs=EPOCHS, folds=FOLDS, trials=4)
    for name, score in (("a", 0.5), ("b", 0.25)):
        table.began(run.trial(name))
        table.race.record(name, 1, score)
        table.reported(run.trial(name), said(1, score))
    table.ended(run.trial("b"), "waiting", "rank 2 of 2")
    table.began(run.trial("c"))
    table.ended(run.trial("c"), "failed", "ValueError: no such thing")
    rows = shown(table)
    (rung,) = [r for r in rows if "fold 0, epoch 1" in r]
    assert rung.split("epoch 1")[1].split() == ["2", "0", "1"]
    assert rows[-1].rstrip() == "error: trial 3 c: ValueError: no such thing"
    assert any("50 images/s" in row for row in rows)


def test_table_is_whole_in_a_narrow_terminal(table: LiveTable, run: Run) -> None:
    """What gives way is the reason alone."""
    table.race = Race(epochs=EPOCHS, folds=FOLDS, trials=4)
    table.began(run.trial("487cb2ab7ff1"))
    table.reported(run.trial("487cb2ab7ff1"), said(1, 0.5))
    table.ended(run.trial("487cb2ab7ff1"), "stopped", "rank 12 of 100 after 15 epochs of fold 0")
    table.console.width = 80
    rows = shown(table)
    assert max(map(len, rows)) <= 80
    (row,) = [r for r in rows if "487cb2ab7ff1" in r and "stopped" in r]
    assert row.split()[:6] == ["1", "487cb2ab7ff1", "stopped", "0", f"1/{EPOCHS * FOLDS}", "0.5000"]
    assert "rank 12 of" in row and any("arrived  went on  waiting" in r for r in rows)


@pytest.mark.parametrize("width", [20, 32, 50])
def test_narrower_terminal_loses_columns_and_no_digits(table: LiveTable, run: Run, width: int) -> None:
    table.race = Race(epochs=EPOCHS, folds=FOLDS, trials=4)
    table.race.record("487cb2ab7ff1", 1, 0.5)
    table.began(run.trial("487cb2ab7ff1"))
    table.reported(run.trial("487cb2ab7ff1"), said(1, 0.5))
    table.console.width = width
    rows = [row.split() for row in shown(table)]
    assert any(row[:1] == ["1"] and "0.5000" in row for row in rows)
    assert any(row[:4] == ["fold", "0,", "epoch", "1"] and row[4:] == ["1", "0", "0"][: len(row) - 4] for row in rows)


def test_trial_that_waits_since_an_earlier_process_counts_at_its_rung(table: LiveTable) -> None:
    table.race = Race(epochs=EPOCHS, folds=FOLDS, trials=4)
    table.race.record("a", 1, 0.5)
    (before,) = [r for r in shown(table) if "fold 0, epoch 1" in r]
    table.waiting = {"a"}
    (now,) = [r for r in shown(table) if "fold 0, epoch 1" in r]
    assert before.split("epoch 1")[1].split() == ["1", "0", "0"]
    assert now.split("epoch 1")[1].split() == ["1", "0", "1"]


def test_before_a_trial_is_complete_the_best_score_so_far_is_named(table: LiveTable, run: Run) -> None:
    assert "no score yet" in table.log.summary()
    for name, score in (("a", 0.25), ("b", 0.5)):
        table.began(run.trial(name))
        table.reported(run.trial(name), said(1, score))
    assert "best so far 0.5000 (trial 2, 1 epoch of fold 0)" in table.log.summary()


def test_folds_ahead_and_trials_that_were_taken_over_are_counted(table: LiveTable) -> None:
    table.log.ahead, table.log.taken = {("a", 2), ("a", 1)}, 3
    assert "of 1 trial and 3 taken over; 2 folds trained ahead; " in table.log.summary()


def test_log_has_a_line_for_every_later_fold(table: LiveTable, run: Run) -> None:
    a = run.trial("a")
    table.began(a)
    report = said(EPOCHS, 0.5)
    table.reported(a, replace(report, fold_done=True))
    assert text(table) == f"trial 1 a: fold 0 done, 1 of {FOLDS}, its own score 0.5000\n"


def test_log_and_table_tell_of_passes_that_end_in_no_epoch(run: Run) -> None:
    """Looked up anew every few seconds, however often the table is drawn."""
    looks: list[int] = []

    def passes() -> list[str]:
        looks.append(1)
        return [f"features of a: {len(looks)} of 9 photos"]

    console = Console(file=io.StringIO(), width=120)
    with Log(Search(trials=4), 24, Tally(6, 3), console=console, quiet=0.1, passes=passes) as log:
        time.sleep(0.5)
    assert "features of a: 1 of 9 photos" in console.file.getvalue()  # type: ignore[attr-defined]
    shown = Console(file=io.StringIO(), width=120)
    for _ in range(5):
        shown.print(LiveTable(log).render())
    assert "features of a: 1 of 9 photos" in shown.file.getvalue()  # type: ignore[attr-defined]
    assert len(looks) == 1


def test_time_left_is_within_the_time_given(run: Run) -> None:
    clock = iter(range(100))
    log = Log(Search(trials=4), 24, Tally(6, 3), clock=lambda: float(next(clock)), limit=lambda: 7.0)
    assert log.time_left() == "about 7 s", "before the first epoch too"
    log.tally.began(run.trial("a"))
    log.tally.reported(run.trial("a"), said(1, 0.5))
    assert log.time_left() == "about 7 s"
    log.limit = lambda: math.inf
    assert log.time_left() == "about 46 s", "23 epochs of 2 s"


def test_log_speaks_at_least_once_a_while() -> None:
    console = Console(file=io.StringIO(), width=200)
    with Log(Search(trials=4), 24, Tally(6, 3), console=console, quiet=0.1):
        time.sleep(0.5)
    assert isinstance(console.file, io.StringIO)
    said_so_far = console.file.getvalue()
    assert "0 running" in said_so_far
    time.sleep(0.2)
    assert console.file.getvalue() == said_so_far, "nothing is said after the end"
