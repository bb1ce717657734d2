"""Signals end a search at its next step, wherever they were heard."""

import contextlib
import signal
from collections.abc import Callable

import pytest
from directing import said

from search.director import Director


def test_an_interruption_that_was_swallowed_is_raised_again(direct: Callable[..., Director]) -> None:
    director = direct()
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    director.interrupt.heed()
    try:
        job = director.next_job()
        assert job is not None
        with contextlib.suppress(KeyboardInterrupt):  # as a callback from C does
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            director.hear(job, said(1, 0.5))
        with pytest.raises(KeyboardInterrupt):
            director.next_job()
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    assert director.places.steps == {job.trial.id: 0}
