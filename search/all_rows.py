"""Chosen trials, each trained once on all rows: nothing is scored, so nothing is decided and no ledger is kept.

Stands where the director stands in a search; its state is the files below `trials/<trial_id>/all_rows`.
"""

import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from search.interrupt import Interrupt
from search.retries import Deaths
from search.space import Search
from trainable.config import TrialConfig
from trainable.files import read_json, write_text
from trainable.run.paths import RunPaths


@dataclass
class AllRows:
    """`todo`: trials to train. `failures`: the cause of each that failed."""

    paths: RunPaths
    search: Search
    todo: deque[str]
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    all_rows: bool = True
    aborted: str = ""
    failures: dict[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    deaths: Deaths = field(default_factory=Deaths)
    interrupt: Interrupt = field(default_factory=Interrupt)

    def __post_init__(self) -> None:
        write_text(self.paths.owner, self.owner)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns)
        self.task = self.bar.add_task("train on all rows, epochs", total=len(self.todo) * self.search.epochs)

    @property
    def finished(self) -> bool:
        return bool(self.aborted) or not (self.todo or self.running)

    def next_job(self) -> tuple[str, TrialConfig, None] | None:
        """A trial; there are no folds that could be trained ahead."""
        self.interrupt.check()
        if self.aborted or not self.todo:
            return None
        trial_id = self.todo.popleft()
        self.running.add(trial_id)
        return trial_id, TrialConfig.from_dict(read_json(self.paths.trial(trial_id).config)), None

    def told(self, trial_id: str) -> int:
        return 0

    def report(self, trial_id: str, report: dict[str, Any]) -> bool:
        """False: its worker is to be free, because the network is trained, or cannot be."""
        self.interrupt.check()
        if "error" in report:
            self.failed(trial_id, report["error"])
            return False
        if "fatal" in report:
            self.aborted = report["fatal"]
            return False
        self.bar.advance(self.task)
        if report["fold_done"]:
            self.running.discard(trial_id)
            self.paths.trial(trial_id).all_rows.error.unlink(missing_ok=True)  # of an earlier attempt
            self.bar.console.print(f"trial {trial_id}: trained on all rows", highlight=False)
        return not report["fold_done"]

    def died(self, trial_id: str) -> None:
        """Its process or node died: another worker goes on from its last epoch, unless that happened too often."""
        if trial_id not in self.running:
            return
        if cause := self.deaths.one_more(trial_id):
            self.failed(trial_id, cause)
        else:
            self.running.discard(trial_id)
            self.todo.appendleft(trial_id)

    def failed(self, trial_id: str, trace: str) -> None:
        self.running.discard(trial_id)
        self.failures[trial_id] = trace.strip().splitlines()[-1]
        write_text(self.paths.trial(trial_id).all_rows.error, trace)
