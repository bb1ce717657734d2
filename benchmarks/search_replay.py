"""N asynchronous workers on simulated time, who look the scores of their epochs up instead of training."""

import heapq
from dataclasses import dataclass
from typing import Protocol


@dataclass
class Job:
    """A trial at work: `row` of the table, `step` epochs done over all folds, `key` its policy's name for it.

    fold: the one fold that is run, ahead of its turn; None: all that are left.
    """

    key: str
    row: int
    step: int = 0
    fold: int | None = None


class World(Protocol):
    """What is known beforehand: `full`, epochs of a trial that runs all its folds."""

    @property
    def full(self) -> int: ...

    def cost(self, row: int) -> float:
        """Seconds an epoch."""

    def score_at(self, row: int, step: int) -> float:
        """What a trial reports after `step` epochs over all folds."""


class Policy(Protocol):
    """Decides which configurations run, and how far."""

    def next(self) -> Job | None:
        """What a free worker does; None: nothing now."""

    def report(self, job: Job, score: float) -> bool:
        """Take the score of an epoch that `job` has finished; True when it goes on."""


@dataclass
class Trace:
    """complete: (epochs spent by all workers when it became so, row), in that order. begun: rows in order."""

    complete: list[tuple[int, int]]
    begun: list[int]
    epochs: int
    seconds: float


def replay(world: World, policy: Policy, workers: int) -> Trace:
    """Run a policy to its end.

    An epoch of a configuration is paid for once, whoever asks: a policy that draws it again, or begins it anew after
    a first look, hears what it heard before at no cost. That favours the stock tuner, which knows no duplicates.
    """
    trace = Trace([], [], 0, 0.0)
    trained: set[tuple[int, int]] = set()  # (row, step)
    heap: list[tuple[float, int, Job]] = []
    now, order, idle = 0.0, 0, workers

    def work(job: Job) -> None:
        nonlocal order
        order += 1
        known = (job.row, job.step + 1) in trained
        heapq.heappush(heap, (now + (0.0 if known else world.cost(job.row)), order, job))

    while True:
        while idle and (job := policy.next()) is not None:
            idle -= 1
            if job.row not in trace.begun:
                trace.begun.append(job.row)
            work(job)
        if not heap:
            trace.seconds = now
            return trace
        now, _, job = heapq.heappop(heap)
        job.step += 1
        trace.epochs += (job.row, job.step) not in trained
        trained.add((job.row, job.step))
        if job.step == world.full and job.fold is None and all(row != job.row for _, row in trace.complete):
            trace.complete.append((trace.epochs, job.row))
        go = policy.report(job, world.score_at(job.row, job.step))
        if go and job.step < world.full:
            work(job)
        else:
            idle += 1
