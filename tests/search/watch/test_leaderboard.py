"""leaderboard.csv while a search runs."""

from collections.abc import Iterator
from pathlib import Path

import optuna
import pandas as pd
import pytest

from search.ledger import Ledger
from search.watch.leaderboard import SHARE, Scribe, write_leaderboard
from trainable.files import append_json_line, write_json
from trainable.run.paths import RunPaths


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(optuna.create_study(direction="maximize"))


def begin(ledger: Ledger, paths: RunPaths, name: str) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    asked = study.ask()
    asked.suggest_float("lr", 0.0, 1.0)
    ledger.add(asked, name)
    paths.trial(name).fold(0).root.mkdir(parents=True)


def epoch(ledger: Ledger, paths: RunPaths, name: str, step: int) -> None:
    append_json_line(paths.trial(name).fold(0).metrics, {"seconds": 1.0})
    ledger.report(name, step, 0.5)


def table(paths: RunPaths) -> pd.DataFrame:
    return pd.read_csv(paths.leaderboard).set_index("trial")


def test_table_of_a_running_search_is_that_which_is_written_anew(ledger: Ledger, tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    scribe = Scribe(paths, ledger, clock=lambda: 0.0)
    for name in ("a", "b", "c"):
        begin(ledger, paths, name)
        scribe.began(name)
        epoch(ledger, paths, name, 1)
    ledger.stop("a", "slow")
    scribe.ended("a", "stopped", "slow")
    assert table(paths)["epochs_done"].to_dict() == {"a": 1, "b": 1, "c": 1}
    epoch(ledger, paths, "b", 2)
    scribe.ended("b", "waiting", "")
    write_json(paths.trial("c").fold(0).result, {"macro_f1": 0.5})
    ledger.complete("c", 0.625)
    scribe.ended("c", "complete", "")
    found = paths.leaderboard.read_text()
    write_leaderboard(paths, ledger)
    assert found == paths.leaderboard.read_text()
    assert table(paths)["state"].to_dict() == {"a": "stopped", "b": "running", "c": "complete"}


def test_scribe_of_a_resumed_search_knows_the_trials_before(ledger: Ledger, tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    for name in ("a", "b"):
        begin(ledger, paths, name)
        epoch(ledger, paths, name, 1)
    ledger.stop("a", "slow")
    scribe = Scribe(paths, ledger, clock=lambda: 0.0)
    scribe.began("b")
    ledger.stop("b", "slow")
    scribe.ended("b", "stopped", "slow")
    assert set(table(paths).index) == {"a", "b"}


def test_writing_takes_a_fiftieth_of_the_time_at_most(ledger: Ledger, tmp_path: Path) -> None:
    """A clock on which a table takes a second to write."""
    paths, now = RunPaths(tmp_path), 0.0

    def clock() -> float:
        return now + next(ticks)

    ticks: Iterator[float] = iter((0.0, 1.0))
    scribe = Scribe(paths, ledger, clock)
    for name in ("a", "b", "c"):
        begin(ledger, paths, name)
        scribe.began(name)
        ledger.stop(name, "slow")
    scribe.ended("a", "stopped", "slow")
    assert scribe.due == 1.0 + 1.0 / SHARE
    paths.leaderboard.unlink()
    now, ticks = scribe.due - 1.0, iter((0.0,))
    scribe.ended("b", "stopped", "slow")
    assert not paths.leaderboard.exists()
    now, ticks = scribe.due, iter((0.0, 1.0))
    scribe.ended("c", "stopped", "slow")
    assert table(paths)["state"].to_dict() == {"a": "stopped", "b": "stopped", "c": "stopped"}
