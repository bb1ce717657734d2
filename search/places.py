"""Where the trials of one sitting are, and how far each has come."""

from collections import deque
from dataclasses import dataclass, field

from search.parallel_folds import ParallelFolds
from trainable.run import Trial


@dataclass
class Places:
    """unfinished: trials of an earlier process or of a lost worker, to go on first. waiting: at a rung.

    running: at a worker. late: none of whose epochs can end in time any more. steps: epochs that the ledger holds, of
    each trial that is not over. heard: the last epoch of each, also of those that decide nothing. complete: how many
    have all their folds.
    """

    parallel: ParallelFolds
    unfinished: deque[Trial] = field(default_factory=deque)
    waiting: dict[str, Trial] = field(default_factory=dict)
    running: dict[str, Trial] = field(default_factory=dict)
    late: dict[str, Trial] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    complete: int = 0

    @property
    def busy(self) -> dict[str, Trial]:
        """Trials that workers are at, with one worker or several."""
        return {**self.running, **self.parallel.parked}

    @property
    def begun(self) -> dict[str, Trial]:
        """Trials that may still become complete."""
        return {**self.busy, **self.waiting, **{trial.id: trial for trial in self.unfinished}}

    def done(self, trial_id: str) -> int:
        """Epochs that a trial has done, by whichever worker."""
        step = max(self.steps.get(trial_id, 0), self.heard.get(trial_id, 0))
        return step + self.parallel.epochs_ahead(trial_id, step)

    def forget(self, trial_id: str) -> None:
        """A trial is over."""
        for place in (self.running, self.waiting, self.steps, self.heard):
            place.pop(trial_id, None)
