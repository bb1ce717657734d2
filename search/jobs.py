"""What workers do, and what they say: the words between a driver and whoever executes for it."""

import uuid
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from trainable.run import Trial
from trainable.training.report import Report


@dataclass(frozen=True)
class AllFolds:
    """A trial: its folds that are not finished, one after another.

    after: the last step that the driver has heard; what an earlier process made is not told again. owner, claim: tokens
    of the driver and of this handing-out; a worker whose tokens are no longer the latest may not write. rungs: epochs
    of fold 0 after which the trial may rest, so that its state is to lie on disk.
    """

    trial: Trial
    owner: str = ""
    after: int = 0
    claim: str = ""
    rungs: tuple[int, ...] = ()

    @property
    def part(self) -> str:
        """Of the trial's work, what one worker at a time may do."""
        return "folds"


@dataclass(frozen=True)
class OneFold:
    """A later fold of a trial that another worker is at, before its turn comes there."""

    trial: Trial
    fold: int
    owner: str = ""
    claim: str = ""

    @property
    def part(self) -> str:
        return f"fold_{self.fold}"


@dataclass(frozen=True)
class AllRows:
    """A trial's configuration once more, on every row."""

    trial: Trial
    owner: str = ""
    claim: str = ""

    @property
    def part(self) -> str:
        return "all_rows"


Job = AllFolds | OneFold | AllRows
JobType = TypeVar("JobType", AllFolds, OneFold, AllRows)


def claimed(job: JobType) -> JobType:
    """The job as it is handed out now: any earlier handing-out of it is void."""
    made = replace(job, claim=uuid.uuid4().hex)
    made.trial.claim(made.part, made.claim)
    return made


@dataclass(frozen=True)
class Failed:
    """The job raised; the search goes on without it."""

    traceback: str

    @property
    def cause(self) -> str:
        return self.traceback.strip().splitlines()[-1]


@dataclass(frozen=True)
class Died:
    """The process or the node of the job died, or lost what it needs; another may go on from its last epoch.

    reason: a sentence, where the process could still say one.
    """

    reason: str = ""


@dataclass(frozen=True)
class Fatal:
    """No job can go on, through no fault of this one.

    disk_full: nothing can be written any more, not even a last word.
    """

    reason: str
    disk_full: bool = False


TIME_OVER = "the deadline has come"
Message = Report | Failed | Died | Fatal


class Driver(Protocol):
    """Hands out jobs and takes what is said of them; an executor knows no more of a search.

    aborted: why no job can go on, if so; an executor that can run none sets it.
    """

    aborted: str

    @property
    def finished(self) -> bool:
        """Whether no job will come any more, whatever is still said."""

    @property
    def expired(self) -> bool:
        """Whether time is over, for jobs under way too: an executor that can ends them."""

    def next_job(self) -> Job | None:
        """What a free worker does; None: nothing now."""

    def hear(self, job: Job, message: Message) -> bool:
        """Take a message of a job; False: its worker is to be free."""
