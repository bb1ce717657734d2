"""`--hours` as a plan: real directors on simulated time, and whole searches whose time is short."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from directing import EPOCHS, FOLDS, finish, rate, said, states
from helpers import SPACE, space_file
from inline import searched
from optuna.trial import TrialState

from ensembles.report.write import write_report
from search.deadline import Deadline
from search.director import Director
from search.executors.simulated import Epoch, Simulated
from search.jobs import Died, Job, Message, OneFold
from trainable.run import Run, Trial

ONE = EPOCHS * FOLDS  # seconds of a trial on one worker: an epoch takes one


class Seconds:
    """A world in which every epoch takes a second. dies: (after so many seconds) the job that ends then dies, once.

    start: seconds more that the first epoch of all takes, as on a GPU. told: whether its report says so.
    """

    def __init__(self, dies: float | None = None, start: float = 0.0, told: bool = True) -> None:
        self.dies, self.start, self.told = dies, start, told
        self.simulated: Simulated[Job]

    def epochs(self, job: Job) -> Iterator[Epoch]:
        one = isinstance(job, OneFold)
        first, last = (job.fold * EPOCHS, (job.fold + 1) * EPOCHS) if one else (job.after, ONE)
        for step in range(first + 1, last + 1):
            ahead = not one and job.trial.fold((step - 1) // EPOCHS).finished
            starting, self.start = (0.0, self.start) if ahead else (self.start, 0.0)
            yield 0.0 if ahead else 1.0 + starting, partial(self._end, job, step, starting)

    def _end(self, job: Job, step: int, starting: float) -> Message:
        if self.dies is not None and self.simulated.seconds >= self.dies:
            self.dies = None
            return Died()
        report = said(step, rate(job.trial.config))
        report.metrics["seconds"] = 1.0 + starting
        report.metrics["starting"] = starting * self.told
        if isinstance(job, OneFold) and step % EPOCHS == 0:
            finish_fold(job.trial, job.fold)
        elif step == ONE:
            finish(job.trial, rate(job.trial.config))
        return report


def finish_fold(trial: Trial, k: int) -> None:
    class Nothing:
        def write(self, path: Path) -> None: ...

    trial.fold(k).root.mkdir(parents=True, exist_ok=True)
    trial.fold(k).finish(b"", Nothing(), fold=k, epochs=EPOCHS, score=0.5, statistics=[], micro_batch=8,
                         seconds=1.0, seconds_with_setup=1.0)  # type: ignore[arg-type]  # fmt: skip


def spend(director: Director, seconds: float, workers: int, world: Seconds | None = None) -> float:
    """Search for so long; when the last job ended."""
    world = world or Seconds()
    world.simulated = simulated = Simulated(world, workers)
    director.time.deadline = Deadline(seconds, EPOCHS, FOLDS, workers, reserve=0, clock=lambda: simulated.seconds)
    simulated.execute(director)
    director.conclude()
    return simulated.seconds


def complete(director: Director) -> int:
    return list(states(director).values()).count(TrialState.COMPLETE)


PLENTY = {"trials": 100, "members": 10, "grace": 1, "rule": "paired"}


@pytest.mark.parametrize(
    ("worth", "workers", "least"), [(1.0, 1, 1), (1.0, 2, 1), (1.2, 2, 1), (2.0, 1, 1), (4.0, 1, 2), (16.0, 2, 6)]
)
def test_from_the_cost_of_one_trial_on_there_is_one_and_more_time_completes_more(
    direct: Callable[..., Director], worth: float, workers: int, least: int
) -> None:
    director = direct(**PLENTY)
    seconds = worth * ONE / workers
    ended = spend(director, seconds, workers)
    assert ended <= 1.03 * seconds
    assert complete(director) >= least
    if worth >= 4:
        assert len(states(director)) > 2 * complete(director), "most are only tried"


def test_shortest_time_trains_one_trial_whose_folds_are_spread(direct: Callable[..., Director]) -> None:
    director = direct(**PLENTY)
    assert spend(director, EPOCHS, FOLDS) == EPOCHS
    assert complete(director) == 1 and len(states(director)) == 1


@pytest.mark.parametrize(("worth", "workers", "seeds"), [(2.0, 1, 2), (3.0, 1, 3), (2.0, 2, 2), (3.0, 3, 3)])
def test_time_for_few_trials_goes_into_other_seeds_of_what_somebody_asked_for(
    direct: Callable[..., Director], worth: float, workers: int, seeds: int
) -> None:
    director = direct(first=({"lr": 0.01},), **PLENTY)
    assert spend(director, worth * ONE / workers, workers) <= 1.03 * worth * ONE / workers
    done = [name for name, state in states(director).items() if state == TrialState.COMPLETE]
    configs = [director.run.trial(name).config for name in done]
    assert [config.seed for config in configs] == list(range(seeds))
    assert len({replace(config, seed=0) for config in configs}) == 1
    again = direct(first=({"lr": 0.01},), **PLENTY)
    spend(again, 12 * ONE / workers, workers)
    learnt = [replace(again.run.trial(name).config, seed=0) for name in states(again)]
    assert len(set(learnt)) > len(learnt) / 2, "with more time others are tried"


HEADS = """
from search.space import Search

SEARCH = Search(trials=2, folds=2, epochs=1, store_size=(32, 32), members=1)


def space(trial, data):
    return {
        "model": {"backbone": "test_resnet", "pretrained": False, "freeze": "body"},
        "head": {"name": "ridge"},
        "input": {"size": (32, 32)},
        "augment": {"policy": "none"},
        "loss": {"class_weights": "power", "weight_power": trial.suggest_float("lr", 0.01, 1.0)},
    }
"""


@pytest.mark.parametrize("worth", [3.0, 3.9])
def test_heads_without_a_seed_are_not_trained_anew_however_short_the_time(
    direct: Callable[..., Director], worth: float
) -> None:
    """What somebody asked for is a head here: others are tried beside it, and end."""
    director = direct(text=HEADS, first=({"lr": 0.01},), **PLENTY)
    assert spend(director, worth * ONE / 2, 2) <= 1.03 * worth * ONE / 2
    assert complete(director) == 2
    assert {director.run.trial(name).config.seed for name in states(director)} == {0}


def test_completing_waits_for_workers_that_are_at_other_trials(direct: Callable[..., Director]) -> None:
    """Nobody begins where, once the workers are free, the best could not be complete any more."""
    director, seconds = direct(**{**PLENTY, "grace": 2}), 10 * ONE / 5
    assert spend(director, seconds, 5) <= 1.03 * seconds
    assert complete(director) >= 5, "2 where it was thought that all are free at once"


@pytest.mark.parametrize("told", [True, False])
def test_epoch_that_only_starts_slowly_is_not_taken_for_a_slow_one(direct: Callable[..., Director], told: bool) -> None:
    """Seen on a GPU: a first epoch of 31 s before others of .4 s, and no fold seemed to fit into what was left."""
    director, start = direct(**PLENTY), 20.0
    assert spend(director, start + 2 * ONE, 1, Seconds(start=start, told=told)) <= 1.03 * (start + 2 * ONE)
    assert complete(director) == told


def test_half_a_trial_leaves_the_fold_that_is_done(direct: Callable[..., Director]) -> None:
    """None can be complete: the first goes on as far as whole folds end, nobody begins another in vain."""
    director = direct(**PLENTY)
    assert spend(director, ONE / 2 + 1, 1) <= ONE / 2 + 1
    assert complete(director) == 0 and len(states(director)) == 1
    assert director.ledger.find(next(iter(states(director)))).intermediate_values.keys() >= {EPOCHS}


def test_worker_that_dies_in_the_last_minute_costs_no_more_than_its_epoch(direct: Callable[..., Director]) -> None:
    director = direct(**PLENTY)
    assert spend(director, 3 * ONE, 1, Seconds(3 * ONE - 2)) <= 3 * ONE * 1.03
    assert complete(director) >= 1


def test_resumed_with_less_time_it_completes_what_it_has_before_it_tries_more(direct: Callable[..., Director]) -> None:
    director = direct(**PLENTY)
    spend(director, ONE / 2 + 1, 1)
    begun = set(states(director))
    again = direct(**PLENTY)
    spend(again, ONE / 2 + 1, 1)
    assert complete(again) == 1 and set(states(again)) == begun


# --- whole searches ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_search_shorter_than_a_trial_votes_with_what_is_done_and_says_what_would_do(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fold takes far longer than the time: its last epoch votes; the state is `partial` in every table."""
    monkeypatch.setattr("search.deadline.FIXED", 0.5)
    text = SPACE.replace("epochs=1", "epochs=5000")
    words = [space_file(tmp_path, text), "--data", generic, "--out", tmp_path / "runs", "--name", "run"]
    assert searched(*words, "--hours", 6 / 3600) == 0
    out, run = capfd.readouterr().out, Run(tmp_path / "runs" / "run")
    below = "warning: --hours: the 6 s are below the cost of one trial"
    assert 0 < out.index(below) < out.index("--hours: what is left of the 6 s is for the vote")
    assert "below the cost of one trial" in out and "would do, or in SEARCH fewer folds or epochs" in out
    assert "next: submit" in out.splitlines()[-1] or "next: python -m ensembles.predict" in out.splitlines()[-1]
    (trial,) = run.trials()
    assert not trial.finished and trial.cut.finished and not trial.fold(0).finished
    assert pd.read_csv(run.leaderboard)["state"].tolist() == ["partial"]
    (ensemble,) = run.ensembles()
    (member,) = json.loads(ensemble.summary_file.read_text())["members"]
    table = trial.cut.validation()
    assert member["parts"] == ["cut"] and member["missing_rows"] == int(run.folds.scored.sum()) - len(table.index)
    assert "are missing from every score" in out
    page = write_report(run.root).read_text()
    assert "Partial: trial" in page and "are missing from every score" in page and ", partial, nested" in page
