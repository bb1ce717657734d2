"""Trials that share a GPU: as many as fit its memory and get on faster together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from search.packing import MOST, Packing

# seconds of an epoch of one of so many that share a GPU
IDLE: Callable[[int], float] = lambda count: 10.0  # noqa: E731  the GPU waits for each of them
BUSY: Callable[[int], float] = lambda count: 10.0 * count  # noqa: E731  one fills it
HALF: Callable[[int], float] = lambda count: 10.0 * max(1.0, count / 3)  # noqa: E731  three fill it


@pytest.mark.parametrize(
    ("memory", "seconds", "expected"),
    [(0.05, IDLE, MOST), (0.2, IDLE, 4), (0.5, IDLE, 1), (0.05, BUSY, 1), (0.05, HALF, 4), (0.3, HALF, 2)],
)
def test_a_gpu_takes_what_fits_and_pays(memory: float, seconds: Callable[[int], float], expected: int) -> None:
    packing = Packing()
    assert packing.together("a") == 1, "a first one has the GPU to itself"
    for _ in range(6):
        count = packing.together("a")
        packing.heard("a", count, seconds(count), memory)
    assert packing.together("a") == packing.widest == expected


def test_a_kind_that_nothing_is_known_of_gets_as_much_as_the_neediest() -> None:
    packing = Packing()
    for count in (1, 2, 4):
        packing.heard("small", count, 10.0, 0.1)
    packing.heard("large", 1, 10.0, 0.6)
    assert [packing.together(kind) for kind in ("small", "large", "other")] == [8, 1, 1]
    assert packing.widest == 8


def test_epochs_of_three_together_tell_of_two() -> None:
    packing = Packing()
    packing.heard("a", 1, 10.0, 0.1)
    packing.heard("a", 3, 30.0, 0.1)
    assert packing.together("a") == 1, "not faster"
