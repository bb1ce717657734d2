"""Suggestions that are known, invalid or too slow are refused, and the search says why it began fewer trials."""

from collections.abc import Callable
from dataclasses import replace

from directing import EPOCHS, FOLDS, rate, said, states, work
from helpers import SPACE

from search.deadline import Deadline
from search.director import Director


def test_duplicate_is_not_a_second_trial(direct: Callable[..., Director]) -> None:
    text = SPACE.replace('suggest_float("lr", 1e-3, 1e-2, log=True)', 'suggest_categorical("lr", [1e-3, 2e-3, 3e-3])')
    director = direct(text, trials=10)
    work(director, rate)
    assert len(states(director)) == 3
    assert "exhausted" in director.proposals.note


def test_suggestion_that_is_invalid_does_not_count(direct: Callable[..., Director]) -> None:
    text = SPACE.replace("1e-3, 1e-2, log=True", "9.0, 12.0")
    director = direct(text)
    work(director, rate)
    assert len(states(director)) == 6
    assert all(director.ledger.find(t).params["lr"] <= 10 for t in states(director))


def test_no_trial_is_begun_that_could_not_be_complete_in_time(direct: Callable[..., Director]) -> None:
    director = direct()
    director.time.deadline = Deadline(1000, EPOCHS, FOLDS)
    job = director.next_trial()
    assert job is not None
    director.hear(job, replace(said(1, 0.5), metrics={"seconds": 900.0}))
    assert director.next_trial() is None
    assert director.drained
    assert len(states(director)) == 1
