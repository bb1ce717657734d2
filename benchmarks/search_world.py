"""A recorded table as the world of a simulated search: what its epochs take, what they come to, and what was spent."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from benchmarks.search_table import Table
from search.executors.simulated import Epoch, Simulated, SimulatedDriver
from search.jobs import AllFolds, OneFold
from trainable.run import Predictions, Trial, TrialResult
from trainable.training.report import Report

NONE = np.zeros(0, np.int64)
NOTHING = Predictions(NONE, np.zeros((0, 0), np.float32), NONE, NONE.astype(np.int8), ())  # no driver reads them


@dataclass(frozen=True)
class AllFoldsOf:
    """The job of what we are compared with: all folds of row `row` of the table, from the beginning.

    key: the driver's own name for it.
    """

    row: int
    key: str = ""


TableJob = AllFoldsOf | AllFolds | OneFold


@dataclass
class Trace:
    """complete: (epochs spent by all workers when it became so, row), in that order; ended: the seconds of each. begun:
    rows in order.
    """

    complete: list[tuple[int, int]]
    ended: list[float]
    begun: list[int]
    epochs: int
    seconds: float


def replay(table: Table, driver: SimulatedDriver, workers: int, clock: "Clock | None" = None) -> Trace:
    """Run a driver to its end. clock: is to tell the simulated time from now on."""
    clock = clock or Clock()
    world = RecordedWorld(table, clock)
    simulated = Simulated(world, workers)
    clock.now = lambda: simulated.seconds
    simulated.execute(driver)
    return Trace(world.complete, world.ended, world.begun, len(world.trained), simulated.seconds)


class Clock:
    """Simulated seconds, for who is made before there is a simulation."""

    now: Callable[[], float] = staticmethod(lambda: 0.0)

    def __call__(self) -> float:
        return self.now()


@dataclass
class RecordedWorld:
    """Looks epochs up instead of training, and writes the results of folds and trials that our search reads.

    An epoch of a configuration is paid for once, whoever asks: a driver that draws it again, or begins it anew after
    a first look, hears what it heard before at no cost. That favours the stock tuner, which knows no duplicates.
    trained: (row, step) of the epochs paid for, a step counting epochs over all folds.
    """

    table: Table
    clock: Clock
    ended: list[float] = field(default_factory=list)
    complete: list[tuple[int, int]] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    trained: set[tuple[int, int]] = field(default_factory=set)

    def epochs(self, job: TableJob) -> Iterator[Epoch]:
        row = job.row if isinstance(job, AllFoldsOf) else self.table.row_of(job.trial.config)
        if row not in self.begun:
            self.begun.append(row)
        for step in self._steps(job):
            seconds = 0.0 if (row, step) in self.trained else self.table.cost(row)
            yield seconds, partial(self._end, job, row, step)

    def _steps(self, job: TableJob) -> range:
        match job:
            case OneFold(_, fold):
                return range(fold * self.table.epochs + 1, (fold + 1) * self.table.epochs + 1)
            case AllFolds():
                return range(job.after + 1, self.table.full + 1)
            case _:
                return range(1, self.table.full + 1)

    def _end(self, job: TableJob, row: int, step: int) -> Report:
        """An epoch ends: it is paid for, its files are written, and it is told."""
        self.trained.add((row, step))
        fold, epoch = divmod(step - 1, self.table.epochs)
        last, score = epoch + 1 == self.table.epochs, self.table.score_at(row, step)
        if isinstance(job, OneFold):
            if last:
                _finish_fold(job, score)
        elif step == self.table.full:
            if all(row != done for _, done in self.complete):
                self.complete.append((len(self.trained), row))
                self.ended.append(self.clock())
            if isinstance(job, AllFolds):
                finish_trial(job.trial, float(self.table.oof[row]))
        return Report(
            step, fold, score, decides=fold == 0 or last, fold_done=last, metrics={"seconds": self.table.cost(row)}
        )


def _finish_fold(job: OneFold, score: float) -> None:
    job.trial.fold(job.fold).finish(
        b"",
        NOTHING,
        fold=job.fold,
        epochs=0,
        score=score,
        statistics=[],
        micro_batch=0,
        seconds=0.0,
        seconds_with_setup=0.0,
    )


def finish_trial(trial: Trial, score: float) -> None:
    """Make it complete with that score over all folds."""
    trial.finish(
        NOTHING,
        TrialResult(
            trial=trial.id,
            metric="macro_f1",
            oof_score=score,
            later_folds_score=math.nan,
            fold_scores=(),
            accuracies={},
            epochs_done=0,
            seconds=0.0,
            micro_batch=0,
            device="simulated",
            threads=1,
            finished_at="",
        ),
    )
