"""450 epochs of the recorded curves through the project's race: what earlier rungs and the prior's order give.

One worker, one fold. The race sees at each rung what it would (the mean of a trial's two best epochs). Nothing new is
begun once what is left of the epochs is what the trial that leads needs to be complete.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.prior_rounds import unit
from benchmarks.prior_table import EPOCHS, STEPS, Table
from search.proposals import AT_RANDOM
from search.race import STOP, WAIT, Race

BUDGET = 450


class Rungs(NamedTuple):
    grace: int
    eta: int


HALF, EIGHTH = Rungs(25, 4), Rungs(6, 4)
RUNGS = [Rungs(grace, eta) for grace in (2, 3, 6, 12, 25) for eta in (2, 3, 4)]


class Replay:
    """One search over the curves of a data set, in the order given."""

    def __init__(self, table: Table, data_set: int, rungs: Rungs, order: Iterable[int]) -> None:
        self.rows, self.table, self.rungs = table.rows[data_set], table, rungs
        self.value = unit(table.value[self.rows])
        self.race = Race(EPOCHS, 1, 10**6, rungs.grace, rungs.eta, 1)
        self.steps = list(self.race.rungs)
        self.longest = max(b - a for a, b in pairwise([0, *self.steps[:-1]]))  # way to a rung that is not the last
        self.coming, self.left = iter(order), BUDGET
        self.waiting: dict[str, int] = {}  # trial -> the step it waits at
        self.complete: list[float] = []

    def regret(self) -> float:
        """Of the best curve that is complete; 1 where none is."""
        while self.left > 0:
            if leader := self._last_chance():
                self._run(leader, to_the_end=True)
            elif trial := self._next():
                self._run(trial)
            else:
                break
        return 1 - max(self.complete, default=0.0)

    def _next(self) -> str | None:
        """Who may go on, a new one, or, once all curves were begun, the best that waits."""
        new = (str(i) for i in self.coming)
        return self.race.promote(self.waiting) or next(new, None) or self.race.promote(self.waiting, drained=True)

    def _last_chance(self) -> str | None:
        """The trial that leads, once anything else would leave too little for it to be complete."""
        if not self.waiting:
            return None
        leader = max(self.waiting, key=lambda t: (self.waiting[t], self.race.rungs[self.waiting[t]][t]))
        tight = self.left - self.longest < self._epochs(leader, EPOCHS, self.waiting[leader])
        return leader if tight else None

    def _epochs(self, trial: str, until: int, since: int) -> int:
        """What going on takes; a curve that was cut ends at its length."""
        length = int(self.table.length[self.rows[int(trial)]])
        return max(min(until, length) - since, 0)

    def _run(self, trial: str, *, to_the_end: bool = False) -> None:
        since = self.waiting.pop(trial, 0)
        for step in (s for s in self.steps if s > since):
            self.left -= self._epochs(trial, step, since)
            if self.left < 0:
                return
            score, since = float(self.table.scores[self.rows[int(trial)], STEPS.index(step)]), step
            if step > 1:  # so that the mean of the two best, by which the race ranks, is the score
                self.race.record(trial, step - 1, score)
            self.race.record(trial, step, score)
            if step == EPOCHS:
                self.complete.append(self.value[int(trial)])
            elif not to_the_end:
                action = self.race.decide(trial, step, score).action
                if action == STOP:
                    return
                self.waiting[trial] = step
                if action == WAIT or self._last_chance():
                    return
                del self.waiting[trial]


def mixed(order: NDArray[np.int64], random: np.random.Generator) -> Iterator[int]:
    """The prior's order with one in AT_RANDOM drawn from what is left."""
    left = list(order)
    while left:
        place = int(random.integers(len(left))) if (len(order) - len(left)) % AT_RANDOM == AT_RANDOM - 1 else 0
        yield int(left.pop(place))
