"""A trial whose process died is tried again, as long as it gets on."""

from collections.abc import Callable

import pytest
from directing import said, states
from optuna.trial import TrialState

from search.director import Director
from search.jobs import AllFolds, Died
from search.retries import RETRIES, Deaths


def epoch(director: Director, job: AllFolds, step: int) -> None:
    """Train one and say so."""
    fold = job.trial.fold(0)
    fold.root.mkdir(exist_ok=True)
    fold.add_epoch({"epoch": step})
    director.hear(job, said(step, 0.5))


def test_trial_whose_process_dies_goes_on_three_times(direct: Callable[..., Director]) -> None:
    director = direct(trials=1)
    job = director.next_trial()
    assert job is not None
    epoch(director, job, 1)
    for _ in range(RETRIES):
        director.hear(job, Died())
        assert not director.finished
        again = director.next_trial()
        assert again is not None and (again.trial, again.after) == (job.trial, 1)
    director.hear(job, Died())
    assert states(director) == {job.trial.id: TrialState.FAIL}
    assert job.trial.error.read_text() == "its process died 4 times without finishing another epoch"
    assert director.finished
    director.hear(job, Died())  # heard late: it changes nothing
    assert not director.places.unfinished


def test_trial_that_gets_on_between_its_deaths_is_never_given_up(direct: Callable[..., Director]) -> None:
    """On a machine that is taken away every few minutes."""
    director = direct(trials=1, epochs=40)
    job = director.next_trial()
    assert job is not None
    for step in range(1, 31):
        epoch(director, job, step)
        for _ in range(RETRIES if step == 15 else 1):
            director.hear(job, Died())
            assert director.next_trial() is not None
    assert states(director) == {job.trial.id: TrialState.RUNNING}


def test_epoch_that_was_written_and_not_heard_is_progress(direct: Callable[..., Director]) -> None:
    """A node that dies between an epoch and its report has worked all the same."""
    director = direct(trials=1)
    job = director.next_trial()
    assert job is not None
    job.trial.fold(0).root.mkdir()
    for step in range(1, 3 * RETRIES):
        job.trial.fold(0).add_epoch({"epoch": step})
        director.hear(job, Died())
        assert director.next_trial() is not None
    assert states(director) == {job.trial.id: TrialState.RUNNING}


@pytest.mark.parametrize(
    ("steps", "lasts"),
    [
        ([0] * (RETRIES + 1), False),
        ([0] * RETRIES, True),
        ([0] * RETRIES + [1] * RETRIES, True),
        ([0] * RETRIES + [1] * (RETRIES + 1), False),
        ([5, 6, 7, 8, 9, 10], True),
    ],
)
def test_only_deaths_at_one_epoch_count(steps: list[int], lasts: bool) -> None:
    deaths = Deaths()
    assert not any([deaths.one_more("a", step) for step in steps][:-1])
    assert deaths.one_more("b", steps[-1]) == "", "each trial has its own"
    deaths = Deaths()
    assert ([deaths.one_more("a", step) for step in steps][-1] == "") == lasts
