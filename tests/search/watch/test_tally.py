"""What a search has done, counted."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from directing import finish, said
from optuna.trial import TrialState

from search.space import Search
from search.watch.log import Log
from search.watch.tally import Tally
from trainable.run import Run

FULL = 6


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_waiting_trial_that_goes_on_keeps_its_row(run: Run) -> None:
    tally, a = Tally(FULL, 3), run.trial("a")
    tally.began(a)
    tally.reported(a, said(1, 0.5))
    tally.ended(a, "waiting", "rank 2 of 2")
    assert tally.counts() == {"waiting": 1}
    tally.began(a)
    assert len(tally.rows) == 1
    assert tally.counts() == {"running": 1}


def test_saved_epochs_are_those_that_ended_trials_did_not_take(run: Run) -> None:
    tally, trials = Tally(FULL, 3), [finish(run.trial(name), 0.625) for name in "abc"]
    for trial, step in zip(trials, (6, 1, 2), strict=True):
        tally.began(trial)
        tally.reported(trial, said(step, 0.5))
    for trial, state in zip(trials, ("complete", "stopped", "waiting"), strict=True):
        tally.ended(trial, state, "")
    assert tally.epochs_saved == 5
    assert tally.epochs == tally.epochs_here == 3
    assert tally.best == (0.625, "a") and tally.vote.members == 1


def test_running_trials_take_what_is_left_of_their_folds(run: Run) -> None:
    """More than was expected of a search where more trials than that run all folds: it had no time left for minutes."""
    tally = Tally(FULL, 3)
    for name, steps in (("a", 1), ("b", 4), ("c", 3)):
        tally.began(run.trial(name))
        for step in range(1, steps + 1):
            tally.reported(run.trial(name), said(step, 0.5))
    assert tally.under_way() == 2 + 2 + 0
    tally.ended(run.trial("b"), "stopped", "")
    assert tally.under_way() == 2
    assert Log(Search(trials=4), 8, tally).epochs() == 8 + 2


def test_best_is_the_highest_score_of_the_complete_ones(run: Run) -> None:
    tally = Tally(FULL, 3)
    for name, score in (("a", 0.5), ("b", 0.75), ("c", 0.625)):
        trial = finish(run.trial(name), score)
        tally.began(trial)
        tally.reported(trial, said(6, 0.9))
        tally.ended(trial, "complete", "")
    assert tally.best == (0.75, "b")


def test_later_process_remembers_what_earlier_ones_did(run: Run) -> None:
    study = optuna.create_study(direction="maximize")
    ends = ((TrialState.COMPLETE, 6), (TrialState.PRUNED, 1), (TrialState.RUNNING, 2), (TrialState.FAIL, 3))
    for state, steps in ends:
        values = {step: 0.5 for step in range(1, steps + 1)}
        value = 0.625 if state == TrialState.COMPLETE else None
        study.add_trial(optuna.trial.create_trial(state=state, value=value, intermediate_values=values))
    tally = Tally(FULL, 3)
    tally.remember(dict(zip("abcd", study.trials, strict=True)), {"a": finish(run.trial("a"), 0.625)})
    assert tally.earlier == {"complete": 1, "stopped": 1}, "what failed is tried again"
    assert (tally.epochs_before, tally.epochs_saved) == (12, 5)
    assert tally.best == (0.625, "a")
    assert tally.vote.members == 1
    assert tally.so_far == (0.5, 1, 1), "of what waits too"
    tally.began(run.trial("d"))
    assert tally.rows["d"].number == 3
    assert tally.counts() == {"complete": 1, "stopped": 1, "running": 1}
    tally.rest()
    assert +tally.counts() == {"complete": 1, "stopped": 1, "waiting": 1}, "at the end nobody is at any"
