"""Those who look on: the table, TensorBoard, the leaderboard, trackers. They hear what happens and decide nothing."""

import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol, Self

from trainable.errors import FULL
from trainable.run import Trial
from trainable.training.report import Report


class Watcher(Protocol):
    """States that a trial ends in: waiting (at a rung or for a fold; it may begin again), complete, stopped, failed."""

    def began(self, trial: Trial) -> None:
        """A worker takes the trial up, for the first time or again."""

    def reported(self, trial: Trial, report: Report) -> None:
        """An epoch was finished; its files are written."""

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        """The trial no longer runs. Of a complete one `trial.result` and `trial.oof()` are read once for all."""


class Watchers:
    """Tells each watcher in turn. One that raises is named once and left out: nobody who looks on can end a search.

    Only a full disk is nobody's own trouble: that OSError goes on to whoever drives the search.
    """

    def __init__(self, watchers: Iterable[Watcher] = ()) -> None:
        self.all = list(watchers)

    def began(self, trial: Trial) -> None:
        self._tell(lambda watcher: watcher.began(trial))

    def reported(self, trial: Trial, report: Report) -> None:
        self._tell(lambda watcher: watcher.reported(trial, report))

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        self._tell(lambda watcher: watcher.ended(trial, state, reason))

    def __enter__(self) -> Self:
        self.stack = ExitStack()
        self._tell(lambda w: self.stack.enter_context(w) if isinstance(w, AbstractContextManager) else None)
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.stack.__exit__(*error)  # type: ignore[arg-type]
        except Exception as problem:
            _say(problem, "a watcher could not be closed")

    def _tell(self, what: Callable[[Watcher], object]) -> None:
        for watcher in list(self.all):
            try:
                what(watcher)
            except Exception as problem:
                self.all.remove(watcher)
                _say(problem, f"{type(watcher).__name__} is left out from here on")


def _say(problem: Exception, words: str) -> None:
    if isinstance(problem, OSError) and problem.errno in FULL:
        raise problem
    print(f"warning: {words}:\n{traceback.format_exc()}", file=sys.stderr)
