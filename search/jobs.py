"""What workers do, and what they say: the words between a driver and whoever executes for it."""

from dataclasses import dataclass
from typing import Protocol

from trainable.run import Trial
from trainable.training.report import Report


@dataclass(frozen=True)
class AllFolds:
    """A trial: its folds that are not finished, one after another.

    after: the last step that the driver has heard; what an earlier process made is not told again. owner: the token of
    the driver that hands the job out.
    """

    trial: Trial
    owner: str = ""
    after: int = 0


@dataclass(frozen=True)
class OneFold:
    """A later fold of a trial that another worker is at, before its turn comes there."""

    trial: Trial
    fold: int
    owner: str = ""


@dataclass(frozen=True)
class AllRows:
    """A trial's configuration once more, on every row."""

    trial: Trial
    owner: str = ""


Job = AllFolds | OneFold | AllRows


@dataclass(frozen=True)
class Failed:
    """The job raised; the search goes on without it."""

    traceback: str

    @property
    def cause(self) -> str:
        return self.traceback.strip().splitlines()[-1]


@dataclass(frozen=True)
class Died:
    """The process or the node of the job died; another may go on from its last epoch."""


@dataclass(frozen=True)
class Fatal:
    """No job can go on, through no fault of this one: the disk is full."""

    reason: str


Message = Report | Failed | Died | Fatal


class Driver(Protocol):
    """Hands out jobs and takes what is said of them; an executor knows no more of a search."""

    @property
    def finished(self) -> bool:
        """Whether no job will come any more, whatever is still said."""

    def next_job(self) -> Job | None:
        """What a free worker does; None: nothing now."""

    def hear(self, job: Job, message: Message) -> bool:
        """Take a message of a job; False: its worker is to be free."""
