"""The watcher that keeps a tracker up to date, from a thread of its own: no trial waits for a server."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from search.watch.aside import Aside
from search.watch.scalars import scalars
from trainable.run import Trial
from trainable.training.report import Report


class Tracker(Protocol):
    """Has one run for each trial, however often that waits, goes on or is resumed. Called by one thread, in order."""

    where: str  # for the user: where the runs can be seen

    def begin(self, trial_id: str, parameters: Mapping[str, Any]) -> None:
        """The trial starts, or goes on."""

    def log(self, trial_id: str, step: int, values: Mapping[str, float]) -> None:
        """step: epochs of the trial, over all its folds."""

    def end(self, trial_id: str, state: str, reason: str, score: float | None) -> None:
        """state: see search.watch.Watcher. score: of a complete trial, pooled over all folds."""

    def close(self) -> None: ...


@dataclass
class Tracking:
    """A watcher. The first failure is said, and ends the tracking; the search goes on.

    parameters_of: a trial's parameters as plain values, by its id.
    """

    tracker: Tracker
    parameters_of: Callable[[str], Mapping[str, Any]]
    broken: bool = False
    begun: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.aside = Aside(type(self.tracker).__name__)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Send what is left; of an interrupted search only what is being sent."""
        self.aside.end(drop=kind is not None, last=lambda: self._guarded(self.tracker.close))

    def began(self, trial: Trial) -> None:
        self.begun.add(trial.id)
        self._later(self.tracker.begin, trial.id, dict(self.parameters_of(trial.id)))

    def reported(self, trial: Trial, report: Report) -> None:
        self._later(self.tracker.log, trial.id, report.step, scalars(report))

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        if trial.id not in self.begun:  # an earlier process has
            if state == "waiting":
                return
            self.began(trial)
        score = trial.result.oof_score if state == "complete" else None
        self._later(self.tracker.end, trial.id, state, reason, score)

    def _later(self, work: Callable[..., None], *arguments: Any) -> None:
        self.aside.later(lambda: self._guarded(work, *arguments))

    def _guarded(self, work: Callable[..., None], *arguments: Any) -> None:
        if self.broken:
            return
        try:
            work(*arguments)
        except Exception as error:
            self.broken = True
            name = type(self.tracker).__name__
            print(f"warning: {name} failed, nothing more is sent to it: {error}", file=sys.stderr)
