"""Trials that failed, in the next sitting: run again from their last epoch, once, and nothing else in their place."""

from collections.abc import Callable
from pathlib import Path

from directing import BROKEN, EPOCHS, FOLDS, Listener, ends_undisturbed, first_job, rate, said, states, tell, work
from helpers import SPACE
from optuna.trial import TrialState

from search.director import Director


def test_failed_trial_is_run_again_when_the_search_is_resumed(direct: Callable[..., Director]) -> None:
    director = direct(trials=1)
    job = first_job(director)
    for step in (1, 2):
        director.hear(job, said(step, 0.5))
    job.trial.fold(0).root.mkdir()
    job.trial.fold(0).resume.write_text("the state after two epochs")
    job.trial.hung().write_text("stacks of an earlier process")
    director.hear(job, BROKEN)
    assert job.trial.state == "failed" and director.finished
    assert director.next_job() is None, "once a sitting"

    listener = Listener()
    again = direct(trials=1, watchers=[listener])
    assert not job.trial.error.exists() and not job.trial.hung().exists()
    assert job.trial.fold(0).resume.read_text() == "the state after two epochs"
    taken = first_job(again)
    assert (taken.trial.id, taken.after) == (job.trial.id, 2), "from its last epoch"
    for step in range(3, EPOCHS * FOLDS + 1):
        tell(again, taken, step, 0.5)
    assert states(again) == {job.trial.id: TrialState.COMPLETE}
    assert [step for what, _, step in listener.heard if what == "reported"] == [3, 4, 5, 6], "nothing is told twice"
    assert again.finished and not direct(trials=1).places.unfinished


def test_failed_trial_that_fails_again_is_tried_once_a_sitting(direct: Callable[..., Director]) -> None:
    tried = []
    for _ in range(3):
        director = direct(trials=1)
        job = first_job(director)
        tried.append(job.trial.id)
        director.hear(job, BROKEN)
        assert director.next_job() is None and states(director) == {job.trial.id: TrialState.FAIL}
    assert len(set(tried)) == 1
    assert len(director.ledger.trials()) == 3, "every attempt is written down"


def test_search_resumed_after_failures_suggests_what_one_without_them_does(
    direct: Callable[..., Director], tmp_path: Path
) -> None:
    """Those that failed count as trials from the beginning: nothing else is suggested in their place."""
    expected = ends_undisturbed(direct, tmp_path)
    director = direct()
    for _ in range(2):
        director.hear(first_job(director), BROKEN)
    again = direct()
    work(again, rate)
    again.conclude()
    assert states(again) == expected and list(states(again)) == list(expected)


def test_recipe_that_failed_runs_again_and_is_not_queued_twice(direct: Callable[..., Director]) -> None:
    changes = {"trials": 3, "first": ({"lr": 0.004}, {"lr": 0.006})}
    director = direct(SPACE, **changes)
    jobs = [first_job(director), first_job(director)]
    assert [job.trial.config.optim.lr for job in jobs] == [0.004, 0.006]
    director.hear(jobs[0], BROKEN)
    again = direct(SPACE, **changes)
    taken = [first_job(again) for _ in range(3)]
    assert [job.trial.id for job in taken[:2]] == [job.trial.id for job in jobs]
    assert len({job.trial.id for job in taken}) == 3 and again.ledger.waiting() is None


def test_failed_trial_whose_last_score_is_at_a_rung_waits_there_again(direct: Callable[..., Director]) -> None:
    """It had gone on from there, and failed before its next score."""
    director = direct(trials=8, eta=2)
    *low, high = [first_job(director) for _ in range(4)]
    for job in low:
        assert not [director.hear(job, said(step, 0.25)) for step in range(1, EPOCHS + 1)][-1]
    assert [director.hear(high, said(step, 0.5)) for step in range(1, EPOCHS + 1)][-1], "the best of four"
    director.hear(high, BROKEN)
    assert set(director.places.waiting) == {job.trial.id for job in low}
    again = direct(trials=8, eta=2)
    assert set(again.places.waiting) == {job.trial.id for job in (*low, high)} and not again.places.unfinished
    assert first_job(again).trial == high.trial, "promoted once more"
