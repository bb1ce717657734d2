"""Folds that other workers train ahead of their turn."""

import math
from collections.abc import Callable

import pytest
from directing import EPOCHS, said, states
from optuna.trial import TrialState

from search.director import Director
from trainable.files import write_json


def past_its_rungs(director: Director, trial_id: str) -> None:
    for step in range(1, EPOCHS + 1):
        director.report(trial_id, said(step, 0.5))


def test_idle_worker_trains_the_last_fold_of_a_trial_that_is_past_its_rungs(direct: Callable[..., Director]) -> None:
    director = direct(trials=1, folds=4)
    found = director.next_trial()
    assert found is not None and director.next_trial() is None
    trial_id, config = found
    assert director.next_fold() is None, "fold 0 may still end the trial"
    past_its_rungs(director, trial_id)
    assert director.next_fold() == (trial_id, config, 3)
    write_json(director.paths.trial(trial_id).fold(2).result, {})
    assert director.next_fold() is None, "fold 1 is in training, 2 is finished, 3 is taken"
    assert director.report_ahead(trial_id, 3, said(10, 0.5))
    assert not director.report_ahead(trial_id, 3, said(12, 0.5))
    assert director.ahead.training == set()
    assert not director.ledger.find(trial_id).intermediate_values.get(12), "nothing is decided before the fold's turn"


@pytest.mark.parametrize("ends", ["done", "error", "dead"])
def test_trial_that_reaches_a_fold_in_training_waits_for_it(direct: Callable[..., Director], ends: str) -> None:
    director = direct(trials=1, folds=3)
    found = director.next_trial()
    assert found is not None
    trial_id = found[0]
    past_its_rungs(director, trial_id)
    assert director.next_fold() == (*found, 2)
    assert director.report(trial_id, said(5, 0.5)), "an inner epoch of fold 1"
    assert not director.report(trial_id, said(6, 0.5)), "its next fold is in training"
    assert director.next_trial() is None and not director.finished
    if ends == "dead":
        director.end_ahead(trial_id, 2)
    else:
        assert not director.report_ahead(trial_id, 2, said(9, 0.5) if ends == "done" else {"error": "x"})
    assert director.next_trial() == found
    write_json(director.paths.trial(trial_id).result, {"oof_macro_f1": 0.5})
    assert not director.report(trial_id, said(9, 0.5))
    assert states(director) == {trial_id: TrialState.COMPLETE}
    assert director.finished


def test_fold_of_a_trial_that_was_stopped_is_not_trained_on_and_leaves_nothing(
    direct: Callable[..., Director],
) -> None:
    director = direct(trials=1, folds=4)
    found = director.next_trial()
    assert found is not None
    trial_id = found[0]
    past_its_rungs(director, trial_id)
    assert director.next_fold() is not None
    director.report(trial_id, said(6, math.nan))
    assert states(director) == {trial_id: TrialState.PRUNED}
    fold = director.paths.trial(trial_id).fold(3)
    fold.root.mkdir(parents=True)
    fold.resume.touch()  # its worker was in the middle of an epoch
    assert not director.report_ahead(trial_id, 3, said(10, 0.5))
    assert not fold.resume.exists()
    assert director.finished


def test_folds_of_survivors_come_before_new_trials_while_none_of_them_can_be_stopped(
    direct: Callable[..., Director],
) -> None:
    director = direct(folds=3, grace=EPOCHS, eta=2, rule="paired")

    def begin() -> str:
        found = director.next_job()
        assert found is not None and found[2] is None
        return found[0]

    def fold_0(trial_id: str, score: float) -> bool:
        return [director.report(trial_id, said(step, score)) for step in range(1, EPOCHS + 1)][-1]

    a, b = begin(), begin()
    assert not fold_0(a, 0.5)
    assert fold_0(b, 0.9)
    ahead = director.next_job()
    assert ahead is not None and (ahead[0], ahead[2]) == (b, 2)
    assert begin() not in (a, b)  # fold 1 is its own worker's
    assert not director.report(b, said(2 * EPOCHS, 0.9))  # fold 2 is on its way
    assert not director.report_ahead(b, 2, {"fold_done": True})
    assert begin() == b
    write_json(director.paths.trial(b).result, {"oof_macro_f1": 0.9})
    director.report(b, said(3 * EPOCHS, 0.9))
    assert states(director)[b] == TrialState.COMPLETE
    c = begin()
    assert fold_0(c, 0.95)
    assert begin() not in (a, b, c)  # one is complete, and the ensemble wants no more: c may be stopped yet
