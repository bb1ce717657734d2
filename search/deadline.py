"""`--hours`: when to stop beginning trials, so that at the deadline there is an ensemble of complete ones."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Deadline:
    """Seconds left, and what an epoch has cost so far. Without `seconds` it never comes.

    finish_epochs: epochs it takes to complete as many trials as the ensemble wants. slots: trials at a time.
    """

    seconds: float = math.inf
    finish_epochs: int = 0
    slots: int = 1
    clock: Callable[[], float] = time.monotonic
    _total: float = 0.0
    _epochs: int = 0
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def heard(self, seconds: float) -> None:
        """An epoch took so long."""
        self._total += seconds
        self._epochs += 1

    @property
    def left(self) -> float:
        return self.seconds - (self.clock() - self.started)

    @property
    def closing(self) -> bool:
        """Begin no more trials: the time left is what completing the best ones takes, and a tenth more."""
        if not self._epochs:
            return False
        return self.left < 1.1 * self.finish_epochs * self._total / self._epochs / self.slots

    @property
    def passed(self) -> bool:
        return self.left <= 0
