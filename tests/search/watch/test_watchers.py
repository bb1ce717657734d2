"""Nobody who looks on can end a search."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, Self

import pytest
from directing import EPOCHS, FOLDS, rate, states, work
from optuna.trial import TrialState

from search.director import Director
from search.watch import Watchers
from trainable.run import Trial
from trainable.training.report import Report


class Counting:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.told = {"began": 0, "reported": 0, "ended": 0}

    def began(self, trial: Trial) -> None:
        self.told["began"] += 1

    def reported(self, trial: Trial, report: Report) -> None:
        self.told["reported"] += 1

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        self.told["ended"] += 1


class Raising(Counting):
    """Raises in one of its methods, when that is called for the second time."""

    def __init__(self, where: str, error: Exception) -> None:
        super().__init__()
        self.where, self.error = where, error

    def __getattribute__(self, name: str) -> Any:
        if name in ("began", "reported", "ended") and name == self.where and self.told[name]:
            raise self.error
        return super().__getattribute__(name)


class Closing(Counting):
    """Has something to open and to close."""

    def __init__(self, opens: Exception | None = None, closes: Exception | None = None) -> None:
        super().__init__()
        self.opens, self.closes, self.closed = opens, closes, False

    def __enter__(self) -> Self:
        if self.opens is not None:
            raise self.opens
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True
        if self.closes is not None:
            raise self.closes


@pytest.mark.parametrize("where", ["began", "reported", "ended"])
def test_watcher_that_raises_is_named_once_and_left_out(
    direct: Callable[..., Director], capsys: pytest.CaptureFixture[str], where: str
) -> None:
    before, raising, after = Counting(), Raising(where, ValueError("cannot look")), Counting()
    director = direct(watchers=[before, raising, after])
    work(director, rate)
    director.conclude()
    assert len(states(director)) == 6 and set(states(director).values()) <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert before.told == after.told and before.told["reported"] > EPOCHS * FOLDS, "the others hear everything"
    said = capsys.readouterr().err
    assert said.count("warning: Raising is left out from here on:") == said.count("ValueError: cannot look") == 1
    assert director.watchers.all == [before, after]


def test_ledger_and_race_are_settled_before_anybody_hears_of_an_end(direct: Callable[..., Director]) -> None:
    class Asking(Counting):
        def ended(self, trial: Trial, state: str, reason: str) -> None:
            super().ended(trial, state, reason)
            known = {"complete": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "waiting": TrialState.RUNNING}
            assert director.ledger.find(trial.id).state == known[state]
            assert trial.id not in director.places.running

    asking = Asking()
    director = direct(watchers=[asking])
    work(director, rate)
    director.conclude()
    assert asking.told["ended"] >= 6 and director.watchers.all == [asking]


def test_watchers_are_opened_and_closed_in_the_reverse_order() -> None:
    plain, first, second = Counting(), Closing(), Closing()
    with Watchers([plain, first, second]) as watchers:
        assert watchers.all == [plain, first, second] and not first.closed
    assert first.closed and second.closed


def test_watcher_that_cannot_be_opened_or_closed_ends_no_search(capsys: pytest.CaptureFixture[str]) -> None:
    shut, good, stuck = Closing(opens=OSError("no port")), Closing(), Closing(closes=ValueError("cannot close"))
    with Watchers([shut, good, stuck]) as watchers:
        assert watchers.all == [good, stuck]
    assert good.closed and stuck.closed and not shut.closed
    said = capsys.readouterr().err
    assert said.count("OSError: no port") == said.count("ValueError: cannot close") == 1
    with pytest.raises(KeyboardInterrupt), Watchers([Closing(closes=ValueError("cannot close"))]):
        raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["began", "reported", "ended"])
def test_full_disk_is_no_watchers_own_trouble(direct: Callable[..., Director], where: str) -> None:
    """The ledger's next line would not go down either: the search ends by it, see search.drive."""
    full = OSError(errno.ENOSPC, "No space left on device")
    director = direct(watchers=[Raising(where, full)])
    with pytest.raises(OSError, match="No space left"):
        work(director, rate)
