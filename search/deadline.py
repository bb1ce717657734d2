"""`--hours`: what the time left is good for, so that at the deadline there is a vote, and the best one.

What an epoch costs is learnt for each kind of configuration (backbone and size). Of the whole time, half goes into
completing trials: by that, how many of them the vote is to have (`wanted`) follows from how many the time is worth. The
rest is for trying, until what completing them takes is all that is left (`closes`).
"""

import heapq
import math
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TypeGuard

from trainable.config import TrialConfig

COMPLETING = 0.5  # of the time, in completing trials; see docs/decisions/036
FIXED = 12.0  # seconds at the end: workers end, modules are imported, methods are compared, the report is drawn
MEMBERS = 4  # whose predictions are reserved for
MOST = 0.25  # of the time, for predictions
Kind = tuple[str, tuple[int, int]]  # backbone, pixels
STARTING = 15.0  # seconds at the beginning: imports, the plan, workers
LATE = 0.01  # of the time: three times as much is promised
SAFETY = 1.05  # of what completing takes: epochs are not all alike


@dataclass
class Deadline:
    """Seconds left, and what an epoch has cost so far. Without `seconds` it never comes.

    epochs, folds: of a trial. slots: jobs at a time. reserve: seconds that the vote and the last files take, found from
    `votes`, the epochs that predicting the test photos with one trial is worth, unless it is given. guesses: seconds of
    an epoch of kinds, for as long as none was heard.
    """

    seconds: float = math.inf
    epochs: int = 1
    folds: int = 1
    slots: int = 1
    reserve: float | None = None
    votes: float = 0.0
    clock: Callable[[], float] = time.monotonic
    costs: defaultdict[Hashable, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0]))
    guesses: Mapping[Kind, float] = field(default_factory=dict)
    starts: list[float] = field(default_factory=list)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def heard(self, kind: Hashable, seconds: float, starting: float = 0.0) -> None:
        """An epoch of a trial of this kind took so long, after what the first of a fold needs to start."""
        self.costs[kind][0] += seconds
        self.costs[kind][1] += 1
        self.starts += [starting] if starting else []

    @property
    def given(self) -> bool:
        """Whether there is one."""
        return math.isfinite(self.seconds)

    @property
    def left(self) -> float:
        """Seconds until the last epoch is to end."""
        return self.seconds - self.kept - (self.clock() - self.started)

    @property
    def member(self) -> float:
        """Seconds that predicting the test photos with one trial's networks takes; 0 if unknown."""
        return self.votes * self.epoch()

    @property
    def kept(self) -> float:
        """Seconds at the end that are not for training."""
        if self.reserve is not None or not self.given:
            return self.reserve or 0.0
        return min(FIXED + MEMBERS * self.member, max(FIXED, MOST * self.seconds), self.seconds / 2)

    @property
    def one_trial(self) -> float:
        """Seconds, from command to submission, that one trial would take whose folds are spread."""
        return STARTING + SAFETY * self.takes([(None, 0)]) + FIXED + self.member

    @property
    def passed(self) -> bool:
        return self.left <= -self.late

    @property
    def late(self) -> float:
        """Seconds that an epoch may end late: nothing that is nearly done is thrown away."""
        return LATE * self.seconds if self.given else 0.0

    def epoch(self, kind: Hashable = None) -> float:
        """Seconds of an epoch of that kind; where none was heard, of those most like it, by pixels; 0 if unknown."""
        if kind in self.costs:
            seconds, count = self.costs[kind]
            return seconds / count
        if is_kind(kind):
            return self._like(kind)
        seconds, count = (sum(column) for column in zip(*self.costs.values(), strict=True)) if self.costs else (0.0, 0)
        return seconds / count if count else 0.0

    def _like(self, kind: Kind) -> float:
        """What other sizes of the network cost, else other networks, a pixel; guesses are worth one epoch each."""
        heard = {each: costs for each, costs in self.costs.items() if is_kind(each)}
        known = heard or {each: [seconds, 1] for each, seconds in self.guesses.items()}
        if not heard and kind in known:
            return known[kind][0]
        alike = {each: costs for each, costs in known.items() if each[0] == kind[0]} or known
        seconds = sum(costs[0] * prod(kind[1]) / prod(each[1]) for each, costs in alike.items())
        return seconds / sum(costs[1] for costs in alike.values()) if alike else self.epoch()

    @property
    def start(self) -> float:
        """Seconds that a fold needs before it trains. The first alone says nothing: it finds out what others know."""
        return min(self.starts) if len(self.starts) > 1 else 0.0

    def lasts(self, kind: Hashable, epochs: int) -> bool:
        """Whether so many epochs of one fold can end in time."""
        return epochs * self.epoch(kind) <= self.left + self.late

    def fits(self, kind: Hashable, done: int = 0) -> bool:
        """Whether a trial of this kind, so many epochs on, could end all its folds with every worker's help."""
        return self.takes([(kind, done)]) <= self.left + self.late

    def wanted(self, members: int) -> int:
        """How many complete trials the vote is to have at the end, of `members` that it would have given time."""
        worth = self.worth
        return members if math.isinf(worth) else max(1, min(members, math.ceil(COMPLETING * worth)))

    @property
    def worth(self) -> float:
        """How many trials the whole time would complete if all workers did nothing else; infinite if unknown."""
        return self.worth_of(None)

    def worth_of(self, kind: Hashable) -> float:
        """The same of trials of this kind."""
        cost = (self.epoch(kind) * self.epochs + self.start) * self.folds
        return (self.seconds - self.kept) * self.slots / cost if cost else math.inf

    def closes(self, trials: Sequence[tuple[Hashable, int]], busy: Sequence[float] = ()) -> bool:
        """Whether completing trials (kind, epochs done) takes what is left, so that none is to begin."""
        return self.passed or self.left <= SAFETY * self.takes(trials, busy)

    def takes(self, trials: Iterable[tuple[Hashable, int]], busy: Sequence[float] = ()) -> float:
        """Seconds until trials (kind, epochs done) are complete: folds are spread, the longest first (Graham 1969).

        busy: seconds for which so many workers are at something else.
        """
        rests = [self.start + self.epoch(kind) * rest for kind, done in trials for rest in self._folds_left(done)]
        free = sorted([*busy, *[0.0] * (self.slots - len(busy))])[: self.slots]
        for rest in sorted(rests, reverse=True):
            heapq.heappush(free, heapq.heappop(free) + rest)
        return max(free)

    def _folds_left(self, done: int) -> list[int]:
        """Epochs of each fold that is not done."""
        ended, inside = divmod(done, self.epochs)
        return [self.epochs - inside, *[self.epochs] * (self.folds - ended - 1)] if ended < self.folds else []


def kind_of(config: TrialConfig) -> Kind:
    """What the cost of an epoch depends on most."""
    return config.model.backbone, config.input.size


def is_kind(value: object) -> TypeGuard[Kind]:
    """Whether it is that of trials, rather than a trial's own name."""
    return isinstance(value, tuple)
