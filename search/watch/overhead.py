"""How much of the workers' time went into training, and how much into everything around it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from trainable.run import Trial
from trainable.training.report import Report
from trainable.words import count, duration


@dataclass
class Overhead:
    """A watcher. training: seconds of all epochs, as the workers measured them.

    slots: trials at a time, more where more were seen. wall: seconds that the search has
    taken, with imports, the plan and the decoding.
    """

    slots: int
    wall: Callable[[], float]
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
