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
    never = Deadline(finish_epochs=100, trial_epochs=10, clock=clock)
    never.heard("slow", 1e6)
    clock.now = 1e12
    assert never.left == math.inf
    assert never.fits("slow")
    assert not never.closing
    assert not never.passed


def test_closes_when_the_time_left_is_what_the_survivors_need(clock: Clock) -> None:
    """20 epochs of 3 s on 2 workers are 30 s, and a tenth more 33."""
    deadline = Deadline(seconds=100, finish_epochs=20, trial_epochs=10, slots=2, clock=clock)
    assert not deadline.closing, "nothing is known of an epoch's cost yet"
    deadline.heard("quick", 1.0)
    deadline.heard("slow", 5.0)
    clock.now = 66.9
    assert not deadline.closing
    clock.now = 67.1
    assert deadline.closing
    assert not deadline.passed
    clock.now = 100.0
    assert deadline.passed


def test_a_kind_that_is_too_slow_is_refused_while_a_quicker_one_fits(clock: Clock) -> None:
    deadline = Deadline(seconds=100, finish_epochs=1, trial_epochs=10, clock=clock)
    for seconds in (4.0, 6.0):
        deadline.heard("slow", seconds)
    deadline.heard("quick", 1.0)
    clock.now = 49.0
    assert deadline.fits("slow")
    clock.now = 51.0
    assert not deadline.fits("slow")
    assert deadline.fits("quick")
    assert deadline.fits("never seen")
