"""Folds of one trial on several workers: who is idle trains a later fold of a trial before its turn comes there.

Such a fold is a finished one when its trial comes to it; nothing is decided on it before. A trial that comes to a fold
still in training is parked: it gives its worker back, and goes on when the fold has ended.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from trainable.run import Trial


@dataclass
class ParallelFolds:
    """epochs: of a fold. training: (trial's id, fold) that other workers are at, and the epochs it has had there.
    parked: trials that wait for one.

    failed: folds that raised; the trial meets that itself when the fold's turn comes, so nobody tries them before.
    done: folds that are finished before their turn.
    """

    epochs: int
    folds: int
    training: dict[tuple[str, int], int] = field(default_factory=dict)
    parked: dict[str, Trial] = field(default_factory=dict)
    failed: set[tuple[str, int]] = field(default_factory=set)
    done: set[tuple[str, int]] = field(default_factory=set)

    def take(
        self, trials: Iterable[tuple[Trial, int]], sure: Container[str] = (), *, furthest: bool = False
    ) -> tuple[Trial, int] | None:
        """The fold that an idle worker begins, None when there is none.

        trials: those at work, with the epochs they have done over all folds. Of the trial with most left to do (with
        least, where the `furthest` is to be complete first) it is the last fold, which its own worker reaches last.
        Trials within fold 0 may end there, so none of theirs, but for those that are `sure` to go on.
        """
        sign = -1 if furthest else 1
        for trial, step in sorted(trials, key=lambda item: (sign * item[1], item[0].id)):
            now = step // self.epochs
            for fold in range(self.folds - 1, now, -1) if now or trial.id in sure else ():
                taken = (trial.id, fold)
                if taken not in self.training.keys() | self.failed and not trial.fold(fold).finished:
                    self.training[taken] = 0
                    return trial, fold
        return None

    def epochs_ahead(self, trial_id: str, step: int) -> int:
        """Epochs beyond `step` that other workers have done, or are at."""
        begun = self.done | self.training.keys()
        return self.epochs * sum(name == trial_id and fold >= step // self.epochs for name, fold in begun)

    def heard(self, trial_id: str, fold: int, step: int) -> None:
        """A fold in training has had an epoch; a step counts epochs over all folds."""
        if (trial_id, fold) in self.training:
            self.training[trial_id, fold] = step - fold * self.epochs

    def is_training(self, trial_id: str, fold: int) -> bool:
        return (trial_id, fold) in self.training

    def end(self, trial_id: str, fold: int, step: int, *, failed: bool = False, done: bool = False) -> Trial | None:
        """A fold is no longer in training; the trial that was parked for it, having done `step` epochs."""
        self.training.pop((trial_id, fold), None)
        if done:
            self.done.add((trial_id, fold))
        if failed:
            self.failed.add((trial_id, fold))
        return self.parked.pop(trial_id, None) if step == fold * self.epochs else None
