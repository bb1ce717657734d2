"""The driver's decisions on a real ledger, with scores that are made up instead of trained."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from directing import BROKEN, EPOCHS, FOLDS, ends_undisturbed, finish, first_job, rate, said, states, work
from optuna.trial import TrialState

from search.deadline import Deadline
from search.director import Director
from search.drive import clear_stopped
from search.jobs import Failed, Fatal
from search.watch.leaderboard import COLUMNS, write_leaderboard
from trainable.config import TrialConfig


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
        for trial in director.run.trials():
            trial.fold(0).root.mkdir(exist_ok=True)
            if director.ledger.find(trial.id).state == TrialState.RUNNING:
                trial.fold(0).weights.touch()
                trial.fold(0).resume.touch()
        return rate(config)

    work(director, score)
    director.conclude()
    clear_stopped(director.run, director.ledger)
    for name, state in states(director).items():
        assert director.run.trial(name).fold(0).weights.exists() == (state == TrialState.COMPLETE)


def test_trial_that_raises_is_failed_with_its_traceback_and_the_search_goes_on(direct: Callable[..., Director]) -> None:
    director = direct()
    job = first_job(director)
    trace = "Traceback (most recent call last):\n  File x\nRuntimeError: no memory"
    assert not director.hear(job, Failed(trace))
    assert job.trial.error.read_text() == trace
    assert states(director) == {job.trial.id: TrialState.FAIL}
    assert not director.aborted
    work(director, rate)
    assert len(states(director)) == 6
    assert list(states(director).values()).count(TrialState.FAIL) == 1


def test_search_stops_when_the_first_three_all_fail(direct: Callable[..., Director]) -> None:
    director = direct()
    for _ in range(3):
        director.hear(first_job(director), BROKEN)
    assert director.aborted == "the first 3 trials all failed; the last: ValueError: broken"
    assert director.next_trial() is None
    assert director.finished


def test_search_goes_on_after_three_failures_when_a_trial_had_ended_well(direct: Callable[..., Director]) -> None:
    director = direct()
    director.hear(first_job(director), said(1, math.nan))  # stopped, which is no failure
    for _ in range(3):
        director.hear(first_job(director), BROKEN)
    assert not director.aborted


def test_full_disk_ends_the_search_and_leaves_its_trials_unfinished(direct: Callable[..., Director]) -> None:
    director = direct()
    jobs = [first_job(director), first_job(director)]
    director.hear(jobs[0], said(1, 0.5))
    assert not director.hear(jobs[0], Fatal("the disk is full"))
    assert director.aborted == "the disk is full" and director.finished
    assert not director.hear(jobs[1], said(1, 0.5)), "those that still run are stopped at their next message"
    assert director.next_job() is None and not director.places.running
    assert set(states(director).values()) == {TrialState.RUNNING}
    again = direct()
    assert [t.id for t in again.places.unfinished] == [job.trial.id for job in jobs]


@pytest.mark.parametrize("killed_after", [1, 2, 3, 5, 7, 9, 12])
def test_resumed_search_suggests_and_decides_as_the_undisturbed_one(
    direct: Callable[..., Director], tmp_path: Path, killed_after: int
) -> None:
    expected = ends_undisturbed(direct, tmp_path)
    work(direct(), rate, steps=killed_after)
    again = direct()
    unfinished = {t for t, s in states(again).items() if s == TrialState.RUNNING}
    assert unfinished == {t.id for t in again.places.unfinished} | set(again.places.waiting)
    work(again, rate)
    again.conclude()
    assert states(again) == expected


def test_trial_of_an_earlier_process_goes_on_after_the_last_step_that_was_heard(
    direct: Callable[..., Director],
) -> None:
    director = direct(trials=1)
    job = first_job(director)
    assert (job.after, job.owner) == (0, director.owner)
    assert job.trial.config.epochs == EPOCHS, "its configuration lies on disk before a worker gets it"
    for step in (1, 2):
        director.hear(job, said(step, 0.5))
    again = direct(trials=1)
    taken = first_job(again)
    assert (taken.trial, taken.after) == (job.trial, 2)
    assert taken.owner == again.owner == again.run.owner.read_text() != director.owner
    assert taken.claim and taken.claim != job.claim


def test_epoch_that_is_said_twice_counts_once(direct: Callable[..., Director]) -> None:
    """An executor that tells a trial's story from its beginning again, whatever `after` asked for."""
    director = direct(trials=1)
    job = first_job(director)
    assert director.hear(job, said(1, 0.5)) and director.hear(job, said(1, 0.75)) and director.hear(job, said(2, 0.5))
    assert director.ledger.find(job.trial.id).intermediate_values == {1: 0.5, 2: 0.5}
    assert director.places.steps == {job.trial.id: 2}


def test_inner_epochs_of_later_folds_decide_nothing(direct: Callable[..., Director]) -> None:
    director = direct(trials=1)
    job = first_job(director)
    for step in (1, 2, 3):
        director.hear(job, said(step, 0.5))
    assert director.hear(job, said(4, math.nan))
    assert list(director.ledger.find(job.trial.id).intermediate_values) == [1, 2, 3]


@pytest.mark.parametrize("step", [1, 2, 3, EPOCHS * FOLDS])
def test_diverged_trial_is_stopped_wherever_it_diverges(direct: Callable[..., Director], step: int) -> None:
    director = direct(trials=1)
    job = first_job(director)
    for earlier in range(1, step):
        assert director.hear(job, said(earlier, 0.5))
    finish(job.trial, math.nan)
    assert not director.hear(job, said(step, math.nan))
    assert states(director) == {job.trial.id: TrialState.PRUNED}


def test_leaderboard_has_the_documented_columns(direct: Callable[..., Director]) -> None:
    director = direct()
    work(director, rate)
    director.conclude()
    write_leaderboard(director.run, director.ledger)
    table = pd.read_csv(director.run.leaderboard)
    columns = ["trial", "number", "state", "folds_done", "epochs_done"]
    columns += ["oof_score", "fold_score_mean", "fold_0_score", "seconds"]
    assert list(table) == [*columns, "lr"] == [*COLUMNS, "lr"]
    assert sorted(table["trial"]) == sorted(states(director))
    assert set(table["state"]) == {"complete", "stopped"}
    assert table["oof_score"].notna().tolist() == (table["state"] == "complete").tolist()
    assert table["oof_score"].dropna().is_monotonic_decreasing


def test_at_the_deadline_there_are_complete_trials(direct: Callable[..., Director]) -> None:
    """Every epoch takes a second of a made-up clock: an endless search is over in time, with what the vote wants."""
    director = direct(trials=10_000, members=3)
    now = [0.0]
    director.time.deadline = Deadline(100, EPOCHS, FOLDS, reserve=0, clock=lambda: now[0])
    while director.time.weigh() or (job := director.next_trial()) is not None:
        score = rate(job.trial.config)
        for step in range(job.after + 1, EPOCHS * FOLDS + 1):
            now[0] += 1.0
            if step == EPOCHS * FOLDS:
                finish(job.trial, score)
            if not director.hear(job, replace(said(step, score), metrics={"seconds": 1.0})):
                break
    director.conclude()
    assert list(states(director).values()).count(TrialState.COMPLETE) >= 3
    assert director.finished and not director.aborted
    assert 70 < now[0] <= 100


def test_when_the_deadline_has_come_what_runs_is_stopped_and_can_go_on(direct: Callable[..., Director]) -> None:
    director = direct(trials=2)
    now = [0.0]
    director.time.deadline = Deadline(10, EPOCHS, FOLDS, reserve=0, clock=lambda: now[0])
    job = first_job(director)
    assert director.hear(job, said(1, 0.5))
    now[0] = 11.0
    assert not director.hear(job, said(2, 0.5))
    assert director.aborted == "the deadline has come" and director.next_job() is None and director.finished
    assert states(director) == {job.trial.id: TrialState.RUNNING}
