"""The share of the workers' time that was not training."""

import time

import pytest

from search.watch.overhead import Overhead, since_start


def test_share_is_what_training_leaves_of_all_workers_time() -> None:
    overhead = Overhead(slots=2, wall=lambda: 100.0)
    for seconds in (100.0, 60.0):
        overhead.reported("a", {"metrics": {"seconds": seconds}})
    assert overhead.share() == pytest.approx(0.2)
    assert (
        overhead.line() == "time 0:01:40 of 2 workers, 0:02:40 of it training; overhead 20% (all else, idle included)"
    )


def test_clock_started_with_the_process() -> None:
    before = since_start()
    time.sleep(0.05)
    assert before > 0
    assert 0.04 < since_start() - before < 5
