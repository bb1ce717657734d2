"""What an epoch's first batch takes beside training is told apart from what an epoch costs."""

import time

import pytest

from trainable.training.starting import Starting


def seconds_of(starting: Starting, steps: list[float]) -> float:
    for step in starting.watch(steps):
        time.sleep(step)  # what a step takes is what passes until the next batch is asked for
    return starting.seconds


@pytest.mark.parametrize(
    ("steps", "least", "most"), [([0.5, 0.02, 0.02, 0.02], 0.4, 0.6), ([0.02] * 4, 0.0, 0.1), ([0.3], 0.0, 0.0)]
)
def test_first_step_less_what_another_takes(steps: list[float], least: float, most: float) -> None:
    starting = Starting()
    assert least <= seconds_of(starting, steps) <= most
    assert seconds_of(starting, [0.2, 0.01]) == 0, "only the first epoch of a process starts"
