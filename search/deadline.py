"""`--hours`: when to stop beginning trials, so that at the deadline there is an ensemble of complete ones.

What an epoch costs is learnt for each kind of configuration (backbone and size): a trial of a kind too slow to run all
its folds in the time left is not begun, while a quicker one still is.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from trainable.config import TrialConfig


@dataclass
class Deadline:
    """Seconds left, and what an epoch has cost so far. Without `seconds` it never comes.

    finish_epochs: epochs it takes to complete as many trials as the ensemble wants. trial_epochs: of one trial, all
    folds. slots: trials at a time.
    """

    seconds: float = math.inf
    finish_epochs: int = 0
    trial_epochs: int = 0
    slots: int = 1
    clock: Callable[[], float] = time.monotonic
    costs: defaultdict[Hashable, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0]))
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def heard(self, kind: Hashable, seconds: float) -> None:
        """An epoch of a trial of this kind took so long."""
        self.costs[kind][0] += seconds
        self.costs[kind][1] += 1

    @property
    def left(self) -> float:
        return self.seconds - (self.clock() - self.started)

    def fits(self, kind: Hashable) -> bool:
        """Whether a trial of this kind could run all its folds in the time left; of a new kind nothing is known."""
        return kind not in self.costs or self.trial_epochs * _mean([self.costs[kind]]) <= self.left

    @property
    def closing(self) -> bool:
        """Begin no more trials: the time left is what completing the best ones takes, and a tenth more."""
        if self.passed or not self.costs:
            return self.passed
        return self.left < 1.1 * self.finish_epochs * _mean(self.costs.values()) / self.slots

    @property
    def passed(self) -> bool:
        return self.left <= 0


def _mean(costs: Iterable[list[float]]) -> float:
    """Seconds an epoch, of [seconds, epochs]."""
    seconds, epochs = zip(*costs, strict=True)
    return sum(seconds) / sum(epochs)


def kind_of(config: TrialConfig) -> tuple[str, tuple[int, int]]:
    """What the cost of an epoch depends on most."""
    return config.model.backbone, config.input.size
