"""What an epoch's first batch takes beside training is told apart from what an epoch costs."""

import pytest

from trainable.training import starting
from trainable.training.starting import Starting


class Clock:
    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("steps", "seconds"), [([0.5, 0.125, 0.25, 0.125], 0.5 - 0.5 / 3), ([0.125] * 4, 0.0), ([0.25], 0.0)]
)
def test_first_step_less_what_another_takes(
    steps: list[float], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, made = Clock(), Starting()
    monkeypatch.setattr(starting, "time", clock)

    def seconds_of(steps: list[float]) -> float:
        for step in made.watch(steps):
            clock.now += step  # what a step takes is what passes until the next batch is asked for
        return made.seconds

    assert seconds_of(steps) == pytest.approx(seconds)
    assert seconds_of([0.25, 0.125]) == 0, "only the first epoch of a process starts"
