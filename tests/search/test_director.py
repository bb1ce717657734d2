"""The driver's decisions on a real ledger, with scores that are made up instead of trained."""

import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from directing import EPOCHS, FOLDS, rate, said, states, work
from optuna.trial import TrialState

from search.deadline import Deadline
from search.director import Director, clear_stopped
from search.watch.leaderboard import COLUMNS, write_leaderboard
from trainable.config import TrialConfig
from trainable.files import write_json


def test_search_ends_with_every_trial_settled(direct: Callable[..., Director]) -> None:
    director = direct()
    work(director, rate)
    director.conclude()
    found = states(director)
    assert len(found) == 6
    assert director.finished
    assert set(found.values()) <= {TrialState.COMPLETE, TrialState.PRUNED}
    best = max(found, key=lambda t: director.ledger.find(t).params["lr"])
    assert found[best] == TrialState.COMPLETE
    assert TrialState.PRUNED in found.values()


def test_stopped_trials_keep_no_weights(direct: Callable[..., Director]) -> None:
    director = direct()

    def score(config: TrialConfig) -> float:
        for trial in director.paths.trials():
            trial.fold(0).root.mkdir(exist_ok=True)
            if director.ledger.find(trial.root.name).state == TrialState.RUNNING:
                trial.fold(0).weights.touch()
                trial.fold(0).resume.touch()
        return rate(config)

    work(director, score)
    director.conclude()
    clear_stopped(director.paths, director.ledger)
    for name, state in states(director).items():
        assert director.paths.trial(name).fold(0).weights.exists() == (state == TrialState.COMPLETE)


def test_trial_that_raises_is_failed_with_its_traceback_and_the_search_goes_on(direct: Callable[..., Director]) -> None:
    director = direct()
    found = director.next_trial()
    assert found is not None
    trace = "Traceback (most recent call last):\n  File x\nRuntimeError: no memory"
    assert not director.report(found[0], {"error": trace})
    assert director.paths.trial(found[0]).error.read_text() == trace
    assert states(director) == {found[0]: TrialState.FAIL}
    assert not director.aborted
    work(director, rate)
    assert len(states(director)) == 6
    assert list(states(director).values()).count(TrialState.FAIL) == 1


def test_search_stops_when_the_first_three_all_fail(direct: Callable[..., Director]) -> None:
    director = direct()
    for _ in range(3):
        found = director.next_trial()
        assert found is not None
        director.report(found[0], {"error": "Traceback\nValueError: broken"})
    assert director.aborted == "the first 3 trials all failed; the last: ValueError: broken"
    assert director.next_trial() is None
    assert director.finished


def test_search_goes_on_after_three_failures_when_a_trial_had_ended_well(direct: Callable[..., Director]) -> None:
    director = direct()
    found = director.next_trial()
    assert found is not None
    director.report(found[0], said(1, math.nan))  # stopped, which is no failure
    for _ in range(3):
        found = director.next_trial()
        assert found is not None
        director.report(found[0], {"error": "Traceback\nValueError: broken"})
    assert not director.aborted


@pytest.mark.parametrize("killed_after", [1, 2, 3, 5, 7, 9, 12])
def test_resumed_search_suggests_and_decides_as_the_undisturbed_one(
    direct: Callable[..., Director], tmp_path: Path, killed_after: int
) -> None:
    whole = direct()
    work(whole, rate)
    whole.conclude()
    expected = states(whole)
    (tmp_path / "run").rename(tmp_path / "whole")
    work(direct(), rate, steps=killed_after)
    again = direct()
    unfinished = {t for t, s in states(again).items() if s == TrialState.RUNNING}
    assert unfinished == set(again.unfinished) | again.waiting
    work(again, rate)
    again.conclude()
    assert states(again) == expected


def test_inner_epochs_of_later_folds_decide_nothing(direct: Callable[..., Director]) -> None:
    director = direct(trials=1)
    found = director.next_trial()
    assert found is not None
    for step in (1, 2, 3):
        director.report(found[0], said(step, 0.5))
    assert director.report(found[0], said(4, math.nan))
    assert list(director.ledger.find(found[0]).intermediate_values) == [1, 2, 3]


@pytest.mark.parametrize("step", [1, 2, 3, EPOCHS * FOLDS])
def test_diverged_trial_is_stopped_wherever_it_diverges(direct: Callable[..., Director], step: int) -> None:
    director = direct(trials=1)
    found = director.next_trial()
    assert found is not None
    trial_id = found[0]
    for earlier in range(1, step):
        assert director.report(trial_id, said(earlier, 0.5))
    write_json(director.paths.trial(trial_id).result, {"oof_macro_f1": math.nan})
    assert not director.report(trial_id, said(step, math.nan))
    assert states(director) == {trial_id: TrialState.PRUNED}


def test_leaderboard_has_the_documented_columns(direct: Callable[..., Director]) -> None:
    director = direct()
    work(director, rate)
    director.conclude()
    write_leaderboard(director.paths, director.ledger)
    table = pd.read_csv(director.paths.leaderboard)
    assert list(table) == [*COLUMNS, "lr"]
    assert sorted(table["trial"]) == sorted(states(director))
    assert set(table["state"]) == {"complete", "stopped"}
    assert table["oof_macro_f1"].notna().tolist() == (table["state"] == "complete").tolist()
    assert table["oof_macro_f1"].dropna().is_monotonic_decreasing


def test_at_the_deadline_there_are_complete_trials(direct: Callable[..., Director]) -> None:
    """Every epoch takes a second of a made-up clock: an endless search is over in time, with what the vote wants."""
    director = direct(trials=10_000, members=3)
    now = [0.0]
    director.deadline = Deadline(100, 3 * EPOCHS * FOLDS, EPOCHS * FOLDS, clock=lambda: now[0])

    def score(config: TrialConfig) -> float:
        return config.optim.lr

    while (found := director.next_trial()) is not None:
        for step in range(director.told(found[0]) + 1, EPOCHS * FOLDS + 1):
            now[0] += 1.0
            if step == EPOCHS * FOLDS:
                write_json(director.paths.trial(found[0]).result, {"oof_macro_f1": score(found[1])})
            if not director.report(found[0], {**said(step, score(found[1])), "metrics": {"seconds": 1.0}}):
                break
    director.conclude()
    assert list(states(director).values()).count(TrialState.COMPLETE) >= 3
    assert director.finished and not director.aborted
    assert 70 < now[0] <= 100
