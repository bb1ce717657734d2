"""leaderboard.csv while a search runs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest

from search.ledger import Ledger
from search.watch.leaderboard import SHARE, Leaderboard, write_leaderboard
from trainable.run import Predictions, Run, Trial

NONE = Predictions(np.zeros(0, int), np.zeros((0, 3), np.float32), np.zeros(0, int), np.zeros(0, np.int8), ("a",))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(optuna.create_study(direction="maximize"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def begin(ledger: Ledger, run: Run, name: str) -> Trial:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    asked = study.ask()
    asked.suggest_float("lr", 0.0, 1.0)
    ledger.add(asked, name)
    run.trial(name).fold(0).root.mkdir(parents=True)
    return run.trial(name)


def epoch(ledger: Ledger, trial: Trial, step: int) -> None:
    trial.fold(0).add_epoch({"seconds": 1.0})
    ledger.report(trial.id, step, 0.5)


def table(run: Run) -> pd.DataFrame:
    return pd.read_csv(run.leaderboard).set_index("trial")


def test_table_of_a_running_search_is_that_which_is_written_anew(ledger: Ledger, run: Run) -> None:
    kept = Leaderboard(run, ledger, clock=lambda: 0.0)
    a, b, c = (begin(ledger, run, name) for name in ("a", "b", "c"))
    for trial in (a, b, c):
        kept.began(trial)
        epoch(ledger, trial, 1)
    ledger.stop("a", "slow")
    kept.ended(a, "stopped", "slow")
    assert table(run)["epochs_done"].to_dict() == {"a": 1, "b": 1, "c": 1}
    epoch(ledger, b, 2)
    kept.ended(b, "waiting", "")
    values = {"score": 0.5, "statistics": [], "micro_batch": 8, "seconds": 1.0, "seconds_with_setup": 1.0}
    c.fold(0).finish(b"", NONE, fold=0, epochs=1, **values)
    ledger.complete("c", 0.625)
    kept.ended(c, "complete", "")
    found = run.leaderboard.read_text()
    write_leaderboard(run, ledger)
    assert found == run.leaderboard.read_text()
    assert table(run)["state"].to_dict() == {"a": "stopped", "b": "running", "c": "complete"}
    write_leaderboard(run, ledger, ended=True)
    assert table(run)["state"].to_dict() == {"a": "stopped", "b": "waiting", "c": "complete"}
    assert table(run)["epochs_done"].to_dict() == {"a": 1, "b": 2, "c": 1}
    assert table(run).loc["c", ["folds_done", "oof_score", "fold_score_mean", "seconds"]].tolist() == [1, 0.625, 0.5, 1]


def test_leaderboard_of_a_resumed_search_knows_the_trials_before(ledger: Ledger, run: Run) -> None:
    a, b = (begin(ledger, run, name) for name in ("a", "b"))
    for trial in (a, b):
        epoch(ledger, trial, 1)
    ledger.stop("a", "slow")
    kept = Leaderboard(run, ledger, clock=lambda: 0.0)
    kept.began(b)
    ledger.stop("b", "slow")
    kept.ended(b, "stopped", "slow")
    assert set(table(run).index) == {"a", "b"}


def test_trial_that_failed_and_runs_again_has_one_row(ledger: Ledger, run: Run) -> None:
    kept = Leaderboard(run, ledger, clock=lambda: 0.0)
    a = begin(ledger, run, "a")
    kept.began(a)
    epoch(ledger, a, 1)
    ledger.fail("a", "ValueError: x")
    kept.ended(a, "failed", "ValueError: x")
    assert table(run)["state"].to_dict() == {"a": "failed"}
    ledger.retry("a")
    again = Leaderboard(run, ledger, clock=lambda: 0.0)
    again.began(a)
    epoch(ledger, a, 2)
    ledger.complete("a", 0.5)
    again.ended(a, "complete", "")
    assert table(run)["state"].to_dict() == {"a": "complete"} and table(run)["epochs_done"].to_dict() == {"a": 2}


def test_writing_takes_a_fiftieth_of_the_time_at_most(ledger: Ledger, run: Run) -> None:
    """A clock on which a table takes a second to write."""
    now = 0.0

    def clock() -> float:
        return now + next(ticks)

    ticks: Iterator[float] = iter((0.0, 1.0))
    kept = Leaderboard(run, ledger, clock)
    a, b, c = (begin(ledger, run, name) for name in ("a", "b", "c"))
    for trial in (a, b, c):
        kept.began(trial)
        ledger.stop(trial.id, "slow")
    kept.ended(a, "stopped", "slow")
    assert kept.due == 1.0 + 1.0 / SHARE
    run.leaderboard.unlink()
    now, ticks = kept.due - 1.0, iter((0.0,))
    kept.ended(b, "stopped", "slow")
    assert not run.leaderboard.exists()
    now, ticks = kept.due, iter((0.0, 1.0))
    kept.ended(c, "stopped", "slow")
    assert table(run)["state"].to_dict() == {"a": "stopped", "b": "stopped", "c": "stopped"}
