"""The live table of a search: a rich table on a terminal, plain lines in a log file."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from optuna.trial import FrozenTrial
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from search.race import Race
from search.space import Search
from search.watch.leaderboard import STATES
from search.watch.vote import Votes

ROWS, ERRORS = 12, 3
ORDER = ("running", "complete", "waiting", "failed", "stopped")
STYLES = {"running": "", "complete": "green", "failed": "red"}


@dataclass
class Row:
    number: int
    state: str = "running"
    fold: int = 0
    step: int = 0
    score: float = math.nan
    images_per_second: float = 0.0
    reason: str = ""


@dataclass
class Progress:
    """A watcher (search.director) that shows trials by state, the best score, epochs spent and time left.

    race: whose rungs are shown. waiting: the director's own set of trials that wait at a rung.
    """

    search: Search
    expected_epochs: int  # of the whole search, see Race.expected_epochs
    score_of: Callable[[str], float]  # the out-of-fold macro-F1 of a complete trial
    console: Console = field(default_factory=Console)
    clock: Callable[[], float] = time.monotonic
    race: Race | None = None
    votes: Votes | None = None
    waiting: set[str] = field(default_factory=set)
    rows: dict[str, Row] = field(default_factory=dict)
    here: Counter[str] = field(default_factory=Counter)  # rows by state
    best: tuple[float, str] = (math.nan, "")
    earlier: Counter[str] = field(default_factory=Counter)  # trials by state that an earlier process ended
    epochs_before: int = 0  # spent by earlier processes
    epochs_here: int = 0
    epochs_saved: int = 0  # that trials which ended early did not take

    def __post_init__(self) -> None:
        self.started = self.clock()
        self.live = Live(get_renderable=self.render, console=self.console, refresh_per_second=2)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.live.stop()

    @property
    def full(self) -> int:
        """Epochs of a trial that runs all its folds."""
        return self.search.epochs * self.search.folds

    def remember(self, trials: Mapping[str, FrozenTrial]) -> None:
        """What earlier processes did (a ledger's trials by trial_id); call it before anything begins."""
        for trial_id, frozen in trials.items():
            state, spent = STATES[frozen.state], max(frozen.intermediate_values, default=0)
            self.epochs_before += spent
            if state == "running":
                continue
            self.earlier[state] += 1
            self.epochs_saved += self.full - spent
            if state == "complete":
                self._take(trial_id, self.score_of(trial_id))

    def began(self, trial_id: str) -> None:
        self._move(trial_id, "running")

    def reported(self, trial_id: str, report: dict[str, Any]) -> None:
        row = self.rows[trial_id]
        self.epochs_here += 1
        row.fold, row.step, row.score = report["fold"], report["step"], report["score"]
        row.images_per_second = report["metrics"].get("images_per_second", 0.0)

    def ended(self, trial_id: str, state: str, reason: str) -> None:
        row = self._move(trial_id, state)
        row.reason = reason
        if state == "complete":
            row.score = self.score_of(trial_id)
            self._take(trial_id, row.score)
        elif state != "waiting":
            self.epochs_saved += self.full - row.step
        if not self.console.is_terminal:
            self.console.print(f"trial {row.number} {trial_id}: {self._story(row)}", soft_wrap=True, highlight=False)
            self.console.print(f"  {self.summary()}", soft_wrap=True, highlight=False)

    def counts(self) -> Counter[str]:
        return self.earlier + self.here

    def summary(self) -> str:
        """One line that also reads well in a log."""
        best = f"best {self.best[0]:.4f} ({self.best[1]})" if self.best[1] else "best -"
        spent, full = self.epochs_before + self.epochs_here, self.search.trials * self.full
        parts = [f"{self._states()} of {self.search.trials} trials", best]
        if self.votes is not None and self.votes.members:
            parts.append(f"vote {self.votes.score:.4f} of {self.votes.members}")
        return "; ".join([*parts, f"{spent} of {full} epochs of full cross-validation", f"left {self.time_left()}"])

    def time_left(self) -> str:
        """From the pace of this process and the epochs a whole search is expected to take."""
        if not self.epochs_here:
            return "-"
        todo = self.expected_epochs - self.epochs_before - self.epochs_here
        pace = (self.clock() - self.started) / self.epochs_here
        return str(timedelta(seconds=round(max(0, todo) * pace)))

    def render(self) -> Group:
        """What the terminal shows: the search, the rungs beside it, trials, and errors last."""
        above = Table.grid(padding=(0, 6))
        above.add_row(self._search(), self._rungs())
        failed = [(name, row) for name, row in self.rows.items() if row.state == "failed"][-ERRORS:]
        errors = [Text(f"error: trial {r.number} {name}: {r.reason}", "red", overflow="ellipsis") for name, r in failed]
        return Group(above, Text(), self._trials(), *errors)

    def _search(self) -> Table:
        spent = self.epochs_before + self.epochs_here
        speed = sum(row.images_per_second for row in self.rows.values() if row.state == "running")
        gone = str(timedelta(seconds=round(self.clock() - self.started)))
        best = f"{self.best[0]:.4f}  trial {self.best[1]}" if self.best[1] else "-"
        there, vote = ", ".join(f"{n} {s}" for s, n in self.counts().items() if n), "-"
        if self.votes is not None and self.votes.members:
            vote = f"{self.votes.score:.4f}  of {self.votes.members} trials, in-sample"
        lines = {
            "trials": f"{there or 'none'} of {self.search.trials}",
            "best single": best,
            "ensemble": vote,
            "epochs": f"{spent} spent, {self.epochs_saved} saved against full cross-validation",
            "speed": f"{speed:.0f} images/s",
            "time": f"{gone} gone, about {self.time_left()} left",
        }
        grid = Table.grid(padding=(0, 2))
        for name, line in lines.items():
            grid.add_row(Text(name, "bold"), line)
        return grid

    def _rungs(self) -> RenderableType:
        """Where trials are in the race."""
        if self.race is None:
            return Text()
        table = Table(pad_edge=False, box=None, header_style="bold")
        for column in ("race", "arrived", "went on", "waiting"):
            table.add_column(column, justify="left" if column == "race" else "right", no_wrap=True)
        waiting = self.waiting | {name for name, row in self.rows.items() if row.state == "waiting"}
        for step, held in self.race.rungs.items():
            beyond = self.race.beyond[step]
            here = sum(name in waiting and name not in beyond for name in held)
            table.add_row(f"fold 0, epoch {step}", str(len(held)), str(len(beyond)), str(here))
        for k in range(1, self.search.folds):
            arrived = sum(len(s) > k for s in self.race.fold_scores.values())
            on = sum(len(s) > k + 1 for s in self.race.fold_scores.values()) if k + 1 < self.search.folds else arrived
            table.add_row(f"fold {k}", str(arrived), str(on), "")
        return table

    def _trials(self) -> Table:
        table = Table(expand=False, pad_edge=False, box=None, header_style="bold")
        for column in ("#", "trial", "state", "fold", "epochs", "macro-F1", "images/s", ""):
            table.add_column(column, justify="left" if column in ("trial", "state", "") else "right", no_wrap=True)
        for trial_id, row in self._visible():
            score = "-" if math.isnan(row.score) else f"{row.score:.4f}"
            epochs = f"{row.step}/{self.full}"
            speed = f"{row.images_per_second:.0f}" if row.state == "running" else ""
            cells = (str(row.number), trial_id, row.state, str(row.fold), epochs, score, speed, row.reason[:60])
            table.add_row(*cells, style=STYLES.get(row.state, "dim"))
        return table

    def _visible(self) -> list[tuple[str, Row]]:
        """Running trials, the best complete ones, then the latest others."""
        ranked = sorted(
            self.rows.items(),
            key=lambda item: (
                ORDER.index(item[1].state),
                -item[1].score if item[1].state == "complete" else -item[1].number,
            ),
        )
        return ranked[:ROWS]

    def _states(self) -> str:
        counts = self.counts()
        return ", ".join(f"{counts[s]} {s}" for s in ("running", "waiting", "stopped", "complete", "failed"))

    def _move(self, trial_id: str, state: str) -> Row:
        """The trial's row, a new one if it has none, in its new state."""
        if trial_id in self.rows:
            self.here[self.rows[trial_id].state] -= 1
        row = self.rows.setdefault(trial_id, Row(self.earlier.total() + len(self.rows) + 1))
        self.here[state] += 1
        row.state = state
        return row

    def _take(self, trial_id: str, score: float) -> None:
        """A complete trial: it may be the best, and it may vote."""
        if not score <= self.best[0]:
            self.best = (score, trial_id)
        if self.votes is not None:
            self.votes.add(trial_id, score)

    def _story(self, row: Row) -> str:
        score = "" if math.isnan(row.score) else f", macro-F1 {row.score:.4f}"
        reason = f" ({row.reason})" if row.reason else ""
        return f"{row.state} after {row.step} epochs{score}{reason}"
