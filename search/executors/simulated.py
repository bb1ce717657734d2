"""N workers on simulated time: a world says how long an epoch takes and what it comes to, and nothing is trained."""

import heapq
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

JobType = TypeVar("JobType")
Taken = TypeVar("Taken", contravariant=True)
Epoch = tuple[float, Callable[[], object]]  # seconds it takes, and what is said at its end


class SimulatedDriver(Protocol[JobType]):
    """search.jobs.Driver, of jobs of any kind: what a search is compared with has its own."""

    def next_job(self) -> JobType | None: ...
    def hear(self, job: JobType, message: Any, /) -> bool: ...


class World(Protocol[Taken]):
    def epochs(self, job: Taken) -> Iterator[Epoch]:
        """The epochs of a job, one after another."""


class Simulated(Generic[JobType]):
    """seconds: simulated time so far."""

    def __init__(self, world: World[JobType], workers: int) -> None:
        self.world, self.workers = world, workers
        self.seconds = 0.0

    def execute(self, driver: SimulatedDriver[JobType]) -> None:
        """Run a driver to its end; free workers ask it again whenever a message was heard."""
        heap: list[tuple[float, int, JobType, Callable[[], object], Iterator[Epoch]]] = []
        started, idle = 0, self.workers

        def go_on(job: JobType, epochs: Iterator[Epoch]) -> bool:
            nonlocal started
            found = next(epochs, None)
            if found is None:
                return False
            started += 1  # breaks ties of time in the order of starting
            heapq.heappush(heap, (self.seconds + found[0], started, job, found[1], epochs))
            return True

        while True:
            while idle and (job := driver.next_job()) is not None:
                idle -= go_on(job, self.world.epochs(job))
            if not heap:
                return
            self.seconds, _, job, said, epochs = heapq.heappop(heap)
            if not (driver.hear(job, said()) and go_on(job, epochs)):
                idle += 1
