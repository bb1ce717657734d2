"""How much of the workers' time went into training, and how much into everything around it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from trainable.run import Trial
from trainable.training.report import Report
from trainable.words import count, duration


def since_start() -> float:
    """Seconds since this process began: its imports, the plan and the decoding count as well."""
    return time.time() - psutil.Process().create_time()


@dataclass
class Overhead:
    """A watcher. training: seconds of all epochs, as the workers measured them.

    slots: trials at a time, more where more were seen. wall: seconds the search has taken.
    """

    slots: int
    wall: Callable[[], float] = since_start
    training: float = 0.0
    running: set[str] = field(default_factory=set)

    def began(self, trial: Trial) -> None:
        self.running.add(trial.id)
        self.slots = max(self.slots, len(self.running))

    def reported(self, trial: Trial, report: Report) -> None:
        self.training += report.metrics.get("seconds", 0.0)

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        self.running.discard(trial.id)

    def share(self) -> float:
        """0 to 1: of the workers' time what was not training: start, decoding, Ray, ledger, pictures, idle workers."""
        return max(0.0, 1 - self.training / (self.slots * self.wall()))

    def line(self) -> str:
        gone, workers = duration(self.wall()), count(self.slots, "worker")
        return f"time {gone}; {workers} trained {1 - self.share():.0%} of it (the rest: start, waiting, pictures)"
