"""When a search with `--hours` begins no more trials."""

import math

import pytest

from search.deadline import Deadline


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_without_hours_it_never_comes(clock: Clock) -> None:
    never = Deadline(epochs=5, folds=2, clock=clock)
    never.heard("slow", 1e6)
    clock.now = 1e12
    assert never.left == math.inf
    assert not never.given and never.fits("slow") and not never.passed


def test_it_closes_when_completing_takes_what_is_left(clock: Clock) -> None:
    """Two trials of 2 folds of 5 epochs of 3 s, on 2 workers, each 2 epochs on: of four folds 3, 3, 5 and 5 epochs are
    left, in pairs 8 epochs or 24 s; a twentieth more is 25.2 s.
    """
    deadline = Deadline(110, epochs=5, folds=2, slots=2, reserve=10, clock=clock)
    deadline.heard("quick", 1.0)
    deadline.heard("slow", 5.0)
    half = [("new", 2), ("new", 2)]
    assert deadline.takes(half) == 24
    assert deadline.takes(half, busy=[10.0]) == 33, "one worker does 5, 3 and 3 epochs, the other 5 when it is free"
    clock.now = 74.7
    assert not deadline.closes(half)
    clock.now = 74.9
    assert deadline.closes(half) and not deadline.passed
    clock.now = 101.2
    assert deadline.passed, "the reserve is for the vote"


def test_what_takes_too_long_is_refused_while_a_quicker_one_fits(clock: Clock) -> None:
    deadline = Deadline(100, epochs=5, folds=2, reserve=0, clock=clock)
    for seconds in (4.0, 6.0):
        deadline.heard("slow", seconds)
    deadline.heard("quick", 1.0)
    clock.now = 50.0
    assert deadline.fits("slow")
    clock.now = 51.1
    assert not deadline.fits("slow") and deadline.fits("slow", done=1) and deadline.fits("quick")
    assert deadline.lasts("slow", 9) and not deadline.lasts("slow", 10)


def test_what_a_fold_needs_to_start_is_no_part_of_an_epoch(clock: Clock) -> None:
    deadline = Deadline(100, epochs=5, folds=2, reserve=0, clock=clock)
    deadline.heard("any", 1.0, 30.0)
    assert deadline.epoch() == 1 and deadline.start == 0
    for starting in (0.0, 3.0, 4.0):
        deadline.heard("any", 1.0, starting)
    assert deadline.epoch() == 1 and deadline.start == 3
    assert deadline.takes([("any", 0)]) == 2 * (3 + 5) and deadline.worth == 100 / 16


def test_a_kind_that_nobody_trained_costs_what_is_most_like_it_does(clock: Clock) -> None:
    small, large, other, third = ("a", (96, 96)), ("a", (192, 192)), ("b", (96, 96)), ("c", (48, 96))
    deadline = Deadline(100, epochs=5, folds=2, reserve=0, clock=clock, guesses={large: 8.0, other: 6.0})
    assert deadline.epoch(large) == 8 and deadline.epoch(small) == 2, "of its own network, by pixels"
    assert deadline.epoch(third) == (1 + 3) / 2, "of all, by pixels"
    assert deadline.epoch() == 0, "what is guessed is no average of what is trained"
    deadline.heard(small, 4.0)
    assert deadline.epoch(large) == 16 and deadline.epoch(other) == 4, "what was heard counts, guesses no more"
    assert not deadline.fits(large) and deadline.fits(small)


@pytest.mark.parametrize(("seconds", "wanted"), [(9.0, 1), (20.0, 1), (40.0, 2), (61.0, 4), (10_000.0, 10)])
def test_half_of_the_time_goes_into_completing(clock: Clock, seconds: float, wanted: int) -> None:
    deadline = Deadline(seconds, epochs=10, folds=2, slots=2, reserve=0, clock=clock)
    assert deadline.wanted(10) == 10, "nothing is known yet"
    deadline.heard("any", 1.0)
    assert deadline.wanted(10) == wanted
