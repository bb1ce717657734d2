"""What a search has done so far, counted: the numbers behind the live table and the last lines."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial

from search.ledger import STATES
from search.watch.vote import Vote
from trainable.run import Trial
from trainable.training.report import Report


@dataclass
class Row:
    """A trial of this sitting. number: from 1, in the order of beginning. step: epochs done over all folds."""

    number: int
    state: str = "running"
    fold: int = 0
    step: int = 0
    score: float = math.nan
    images_per_second: float = 0.0
    reason: str = ""


@dataclass
class Tally:
    """A watcher that counts. full: epochs of a trial that runs all its folds, first: those of its first one. number_of:
    a trial's in the ledger.

    best: (score, id) of the best complete trial. so_far: (score, number, step) of the best epoch of a fold 0. earlier:
    trials by state that earlier sittings ended. epochs_before, epochs_here: spent by them and by this one;
    epochs_saved: that trials which ended early did not take.
    """

    full: int
    first: int
    vote: Vote = field(default_factory=Vote)
    rows: dict[str, Row] = field(default_factory=dict)
    best: tuple[float, str] = (math.nan, "")
    so_far: tuple[float, int, int] = (math.nan, 0, 0)
    earlier: Counter[str] = field(default_factory=Counter)
    epochs_before: int = 0
    epochs_here: int = 0
    epochs_saved: int = 0
    number_of: Callable[[str], int] | None = None
    _here: Counter[str] = field(default_factory=Counter)
    _known: dict[str, tuple[int, float]] = field(default_factory=dict)  # (step, score) that earlier sittings reached

    def remember(
        self, trials: Mapping[str, FrozenTrial], trial_of: Mapping[str, Trial], apart: Iterable[Trial] = ()
    ) -> None:
        """What earlier sittings did (a ledger's trials by id); call it before anything begins.

        trial_of: the complete ones, whose predictions vote. apart: others that do, though they are not counted.
        """
        for trial in apart:
            self._complete(trial)
        for trial_id, frozen in trials.items():
            state, spent = STATES[frozen.state], max(frozen.intermediate_values, default=0)
            self.epochs_before += spent
            for step, score in frozen.intermediate_values.items():
                if step <= self.first:
                    self._reached(score, self._number(trial_id), step)
            self._known[trial_id] = spent, frozen.intermediate_values.get(spent, math.nan)
            if state in ("running", "failed"):  # these go on, or are tried again
                continue
            self.earlier[state] += 1
            self.epochs_saved += self.full - spent
            if trial_id in trial_of:
                self._complete(trial_of[trial_id])

    def began(self, trial: Trial) -> None:
        self._move(trial.id, "running").reason = ""

    def reported(self, trial: Trial, report: Report) -> None:
        row = self.rows[trial.id]
        self.epochs_here += 1
        row.fold, row.step, row.score = report.fold, report.step, report.score
        if report.fold == 0:
            self._reached(report.score, row.number, report.step)
        row.images_per_second = report.metrics.get("images_per_second", 0.0)

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        row = self._move(trial.id, state)
        row.reason = reason
        if state == "complete":
            row.score = trial.result.oof_score
            self._complete(trial)
        elif state != "waiting":
            self.epochs_saved += self.full - row.step

    def rest(self) -> None:
        """Nobody is at any trial any more: those that ran wait for another sitting."""
        for name in [name for name, row in self.rows.items() if row.state == "running"]:
            self._move(name, "waiting")

    @property
    def epochs(self) -> int:
        """Spent by all sittings."""
        return self.epochs_before + self.epochs_here

    def under_way(self) -> int:
        """Epochs that running trials still take: of all folds once they are past the first, else of that one."""
        running = [row for row in self.rows.values() if row.state == "running"]
        return sum(max(0, (self.full if row.fold else self.first) - row.step) for row in running)

    def counts(self) -> Counter[str]:
        """Trials by state."""
        return self.earlier + self._here

    def _move(self, trial_id: str, state: str) -> Row:
        """The trial's row, a new one if it has none, in its new state."""
        if trial_id in self.rows:
            self._here[self.rows[trial_id].state] -= 1
        step, score = self._known.get(trial_id, (0, math.nan))
        if trial_id not in self.rows:
            self.rows[trial_id] = Row(self._number(trial_id), step=step, score=score)
        row = self.rows[trial_id]
        self._here[state] += 1
        row.state = state
        return row

    def _number(self, trial_id: str) -> int:
        return self.number_of(trial_id) if self.number_of else self.earlier.total() + len(self.rows) + 1

    def _reached(self, score: float, number: int, step: int) -> None:
        """After an epoch of a fold 0; a number that is none is never the best."""
        if not math.isnan(score) and not score <= self.so_far[0]:
            self.so_far = score, number, step

    def _complete(self, trial: Trial) -> None:
        """It may be the best, and it may vote."""
        score = trial.result.oof_score
        if not score <= self.best[0]:
            self.best = (score, trial.id)
        self.vote.add(trial)
