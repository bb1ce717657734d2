"""Later folds that idle workers train before their turn.

Such a fold is a finished one when its trial comes to it; nothing is decided on it before. A trial that comes to a fold
still in training is parked: it gives its worker back, and goes on when the fold has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trainable.run.paths import RunPaths


@dataclass
class FoldsAhead:
    """epochs: of a fold. training: (trial, fold) that other workers are at. parked: trials that wait for one."""

    paths: RunPaths
    epochs: int
    folds: int
    training: set[tuple[str, int]] = field(default_factory=set)
    parked: set[str] = field(default_factory=set)

    def take(self, steps: Mapping[str, int]) -> tuple[str, int] | None:
        """The fold that an idle worker begins, None when there is none.

        Of the trial with most left to do (steps: epochs done over all folds) the last fold, which its own worker
        reaches last. Trials within fold 0 may end there, so none of theirs.
        """
        for trial, step in sorted(steps.items(), key=lambda item: (item[1], item[0])):
            now = step // self.epochs
            for fold in range(self.folds - 1, now, -1) if now else ():
                if (trial, fold) not in self.training and not self.paths.trial(trial).fold(fold).finished:
                    self.training.add((trial, fold))
                    return trial, fold
        return None

    def end(self, trial: str, fold: int, step: int) -> bool:
        """A fold is no longer in training; True when its trial, which has done `step` epochs, was parked for it."""
        self.training.discard((trial, fold))
        if trial not in self.parked or step != fold * self.epochs:
            return False
        self.parked.discard(trial)
        return True
