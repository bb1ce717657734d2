"""Chosen trials, each trained once on all rows: nothing is scored, so nothing is decided and no ledger is kept.

What is done is what lies on disk, so the same command again does the rest.
"""

import uuid
from collections import deque
from dataclasses import dataclass, field

from search.interrupt import Interrupt
from search.jobs import AllRows, Died, Failed, Fatal, Job, Message, claimed
from search.retries import Deaths
from trainable.files import write_text
from trainable.progress import Progress
from trainable.run import Run, Trial
from trainable.training.report import Report


@dataclass
class AllRowsDriver:
    """A search.jobs.Driver. epochs: of a trial. todo: trials to train. failures: the cause of each that failed."""

    run: Run
    epochs: int
    todo: deque[Trial]
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    aborted: str = ""
    failures: dict[Trial, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    deaths: Deaths = field(default_factory=Deaths)
    interrupt: Interrupt = field(default_factory=Interrupt)

    def __post_init__(self) -> None:
        write_text(self.run.owner, self.owner)
        self.bar = Progress()
        self.task = self.bar.add_task("train on all rows, epochs", total=len(self.todo) * self.epochs)

    @property
    def finished(self) -> bool:
        return bool(self.aborted) or not (self.todo or self.running)

    expired = False  # it has all the time in the world

    def next_job(self) -> AllRows | None:
        self.interrupt.check()
        if self.aborted or not self.todo:
            return None
        trial = self.todo.popleft()
        self.running.add(trial.id)
        return claimed(AllRows(trial, self.owner))

    def hear(self, job: Job, message: Message) -> bool:
        """False: its worker is to be free, because the network is trained, or cannot be."""
        self.interrupt.check()
        match message:
            case Report():
                return self._heard_epoch(job.trial, message)
            case Failed():
                self._fail(job.trial, message)
            case Fatal(reason):
                self.aborted = reason
            case Died(reason):
                self._died(job.trial, reason)
        return False

    def _heard_epoch(self, trial: Trial, report: Report) -> bool:
        self.bar.advance(self.task)
        if report.fold_done:
            self.running.discard(trial.id)
            trial.all_rows.error.unlink(missing_ok=True)  # of an earlier attempt
            self.bar.console.print(f"trial {trial.id}: trained on all rows", highlight=False)
        return not report.fold_done

    def _died(self, trial: Trial, reason: str) -> None:
        """Another worker goes on from the last epoch, unless that was tried too often without getting on."""
        if trial.id not in self.running:
            return
        if cause := self.deaths.one_more(trial.id, len(trial.all_rows.epochs()), reason):
            self._fail(trial, Failed(cause))
        else:
            self.running.discard(trial.id)
            self.todo.appendleft(trial)

    def _fail(self, trial: Trial, failed: Failed) -> None:
        self.running.discard(trial.id)
        self.failures[trial] = failed.cause
        write_text(trial.all_rows.error, failed.traceback)
