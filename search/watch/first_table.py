"""Says when a vote can be built: as soon as the heads on one table are complete, while further tables are made."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from search.ledger import FEATURES
from trainable.commands import spoken
from trainable.run import Run, Trial
from trainable.training.report import Report


@dataclass
class FirstTable:
    """A watcher. tables: the ids of the heads on each. complete: those that are. said: it speaks once a sitting."""

    run: Run
    tables: Sequence[frozenset[str]]
    complete: set[str] = field(default_factory=set)
    said: bool = False

    def began(self, trial: Trial) -> None:
        """A head says nothing before it is complete."""

    def reported(self, trial: Trial, report: Report) -> None:
        """Nor does a fold of one."""

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        if state == "complete":
            self.complete.add(trial.id)
            if any(heads <= self.complete for heads in self.tables):
                self.say()

    def say(self) -> None:
        if not self.said:
            self.said = True
            print(f"{FEATURES}: a vote can be built from here on: {spoken('build', self.run.root)}", flush=True)
