"""Folds of one trial on several workers, before their turn."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from directing import EPOCHS, finish, said, states
from optuna.trial import TrialState

from search.director import Director
from search.jobs import AllFolds, Died, Failed, Fatal, Message, OneFold
from search.parallel_folds import ParallelFolds
from search.retries import RETRIES
from trainable.run import Fold, Run, Trial


def begin(director: Director) -> AllFolds:
    job = director.next_trial()
    assert job is not None
    return job


def past_its_rungs(director: Director, job: AllFolds) -> None:
    for step in range(1, EPOCHS + 1):
        director.hear(job, said(step, 0.5))


def finish_fold(trial: Trial, k: int) -> None:
    (trial.fold(k).root).mkdir(parents=True, exist_ok=True)
    trial.fold(k).finish(b"weights", _Nothing(), fold=k, epochs=EPOCHS, score=0.5, statistics=[], micro_batch=8,
                         seconds=1.0, seconds_with_setup=1.0)  # type: ignore[arg-type]  # fmt: skip


class _Nothing:
    """Validation predictions that nobody reads."""

    def write(self, path: Any) -> None: ...


def test_idle_worker_trains_the_last_fold_of_a_trial_that_is_past_its_rungs(direct: Callable[..., Director]) -> None:
    director = direct(trials=1, folds=4)
    job = begin(director)
    assert director.next_trial() is None
    assert director.next_fold() is None, "fold 0 may still end the trial"
    past_its_rungs(director, job)
    fold = director.next_fold()
    assert fold is not None and (fold.trial, fold.fold, fold.owner) == (job.trial, 3, director.owner)
    finish_fold(job.trial, 2)
    assert director.next_fold() is None, "fold 1 is in training, 2 is finished, 3 is taken"
    assert director.hear(fold, said(10, 0.5))
    assert not director.hear(fold, said(12, 0.5))
    assert not director.places.parallel.training
    assert not director.ledger.find(job.trial.id).intermediate_values.get(12), "nothing is decided before its turn"


@pytest.mark.parametrize("end", [said(9, 0.5), Failed("Traceback\nValueError: x"), Died()])
def test_trial_that_reaches_a_fold_in_training_waits_for_it(direct: Callable[..., Director], end: Message) -> None:
    director = direct(trials=1, folds=3)
    job = begin(director)
    past_its_rungs(director, job)
    fold = director.next_fold()
    assert fold is not None and (fold.trial, fold.fold) == (job.trial, 2)
    assert director.hear(job, said(5, 0.5)), "an inner epoch of fold 1"
    assert not director.hear(job, said(6, 0.5)), "its next fold is in training"
    assert director.next_trial() is None and not director.finished
    assert list(director.places.parallel.parked) == [job.trial.id]
    assert not director.hear(fold, end)
    again = begin(director)
    assert (again.trial, again.after) == (job.trial, 6)
    finish(job.trial, 0.5)
    assert not director.hear(again, said(9, 0.5))
    assert states(director) == {job.trial.id: TrialState.COMPLETE}
    assert director.finished


def test_fold_that_raised_is_left_to_its_trial(direct: Callable[..., Director]) -> None:
    """Idle workers do not try it again: it may take an hour to fail, and would fail again."""
    director = direct(trials=1, folds=4)
    job = begin(director)
    past_its_rungs(director, job)
    fold = director.next_fold()
    assert fold is not None and fold.fold == 3
    assert not director.hear(fold, Failed("Traceback\nRuntimeError: no memory"))
    other = director.next_fold()
    assert other is not None and other.fold == 2
    assert director.next_fold() is None
    assert not director.hear(other, Died())
    again = director.next_fold()
    assert again is not None and again.fold == 2, "whose process died was not the fold's fault"
    assert again.claim != other.claim, "and what is left of the first one no longer writes"
    assert states(director) == {job.trial.id: TrialState.RUNNING} and not job.trial.error.exists()


def test_fold_whose_process_dies_again_and_again_is_left_to_its_trial(direct: Callable[..., Director]) -> None:
    director = direct(trials=1, folds=3)
    job = begin(director)
    past_its_rungs(director, job)
    for _ in range(RETRIES + 1):
        fold = director.next_fold()
        assert fold is not None and fold.fold == 2
        assert not director.hear(fold, Died())
    assert director.next_fold() is None
    assert states(director) == {job.trial.id: TrialState.RUNNING} and not job.trial.error.exists()


def test_full_disk_in_a_fold_ends_the_search(direct: Callable[..., Director]) -> None:
    director = direct(trials=1, folds=4)
    job = begin(director)
    past_its_rungs(director, job)
    fold = director.next_fold()
    assert fold is not None and not director.hear(fold, Fatal("the disk is full"))
    assert director.aborted == "the disk is full" and director.finished
    assert states(director) == {job.trial.id: TrialState.RUNNING}


def test_fold_of_a_trial_that_was_stopped_is_not_trained_on_and_leaves_nothing(
    direct: Callable[..., Director],
) -> None:
    director = direct(trials=1, folds=4)
    job = begin(director)
    past_its_rungs(director, job)
    taken = director.next_fold()
    assert taken is not None
    director.hear(job, said(6, math.nan))
    assert states(director) == {job.trial.id: TrialState.PRUNED}
    fold = job.trial.fold(3)
    fold.root.mkdir(parents=True)
    fold.resume.touch()  # its worker was in the middle of an epoch
    assert not director.hear(taken, said(10, 0.5))
    assert not fold.resume.exists()
    assert director.finished


def test_folds_of_survivors_come_before_new_trials_while_none_of_them_can_be_stopped(
    direct: Callable[..., Director],
) -> None:
    director = direct(folds=3, grace=EPOCHS, eta=2, rule="paired", trials=8)

    def new() -> AllFolds:
        job = director.next_job()
        assert isinstance(job, AllFolds)
        return job

    def fold_0(job: AllFolds, score: float) -> bool:
        return [director.hear(job, said(step, score)) for step in range(1, EPOCHS + 1)][-1]

    *low, b = [new() for _ in range(4)]
    assert not any([fold_0(job, 0.5) for job in low])
    assert fold_0(b, 0.9)
    early = director.next_job()
    assert isinstance(early, OneFold) and (early.trial, early.fold) == (b.trial, 2)
    assert new().trial not in [job.trial for job in (*low, b)]  # fold 1 is its own worker's
    assert not director.hear(b, said(2 * EPOCHS, 0.9))  # fold 2 is on its way
    assert not director.hear(early, said(3 * EPOCHS, 0.9))
    b = new()
    assert b.after == 2 * EPOCHS
    finish(b.trial, 0.9)
    director.hear(b, said(3 * EPOCHS, 0.9))
    assert states(director)[b.trial.id] == TrialState.COMPLETE
    c = new()
    assert fold_0(c, 0.95)
    begun = [job.trial for job in (*low, b, c)]
    assert new().trial not in begun  # one is complete, and the ensemble wants no more


def test_the_trial_with_most_left_to_do_gets_the_worker(tmp_path: Any) -> None:
    made, run = ParallelFolds(epochs=2, folds=3), Run(tmp_path / "run")
    a, b = run.trial("a"), run.trial("b")
    assert isinstance(a.fold(0), Fold)
    assert made.take([(a, 1), (b, 0)]) is None
    assert made.take([(a, 4), (b, 2)]) == (b, 2)
    assert made.take([(a, 2), (b, 2)]) == (a, 2)
    assert made.end("a", 2, 4) is None, "nobody waits for it"
