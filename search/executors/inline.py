"""One job after another in this process: no Ray, so that a debugger steps from the search into the network."""

from typing import Self

from search.executors.work import work
from search.jobs import Driver
from trainable.device import this_device
from trainable.run import Run


class Inline:
    in_process = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def slots(self) -> int:
        return 1

    def execute(self, driver: Driver, run: Run) -> None:
        while (job := driver.next_job()) is not None:
            for message in work(job, device=this_device()):
                if not driver.hear(job, message):
                    break
