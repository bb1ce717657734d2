"""The live table of a search: a rich table on a terminal, plain lines in a log file."""

import math
import time
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from search.race import Race
from search.space import Search
from search.watch.tally import Row, Tally
from trainable.metrics import MACRO_F1, Metric, get
from trainable.run import Trial
from trainable.training.report import Report

ROWS, ERRORS = 12, 3
ORDER = ("running", "complete", "waiting", "failed", "stopped")
STYLES = {"running": "", "complete": "green", "failed": "red"}


@dataclass
class LiveTable:
    """A watcher that shows trials by state, the best score, the race, epochs spent and time left.

    expected_epochs: of the whole search, see Race.expected_epochs. waiting: ids of trials at a rung, the director's.
    measure: what scores are; people read them with its own sign.
    """

    search: Search
    expected_epochs: int
    tally: Tally
    race: Race | None = None
    waiting: Container[str] = ()
    measure: Metric = field(default_factory=lambda: get(MACRO_F1, ()))
    console: Console = field(default_factory=Console)
    clock: Callable[[], float] = time.monotonic

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

    def began(self, trial: Trial) -> None:
        self.tally.began(trial)

    def reported(self, trial: Trial, report: Report) -> None:
        self.tally.reported(trial, report)

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        self.tally.ended(trial, state, reason)
        if not self.console.is_terminal:
            row = self.tally.rows[trial.id]
            self.console.print(f"trial {row.number} {trial.id}: {self._story(row)}", soft_wrap=True, highlight=False)
            self.console.print(f"  {self.summary()}", soft_wrap=True, highlight=False)

    def summary(self) -> str:
        """One line that also reads well in a log."""
        best = (
            f"best {self.measure.text(self.tally.best[0])} ({self.tally.best[1]})" if self.tally.best[1] else "best -"
        )
        counts = self.tally.counts()
        states = ", ".join(f"{counts[s]} {s}" for s in ("running", "waiting", "stopped", "complete", "failed"))
        parts = [f"{states} of {self.search.trials} trials", best]
        if self.tally.vote.members:
            parts.append(f"vote {self.measure.text(self.tally.vote.score)} of {self.tally.vote.members}")
        full = self.search.trials * self.tally.full
        spent = f"{self.tally.epochs} of {full} epochs of full cross-validation"
        return "; ".join([*parts, spent, f"left {self.time_left()}"])

    def time_left(self) -> str:
        """From the pace of this sitting and the epochs a whole search is expected to take."""
        if not self.tally.epochs_here:
            return "-"
        pace = (self.clock() - self.started) / self.tally.epochs_here
        return str(timedelta(seconds=round(max(0, self.expected_epochs - self.tally.epochs) * pace)))

    def render(self) -> Group:
        """What the terminal shows: the search, the rungs beside it, trials, and errors last."""
        above = Table.grid(padding=(0, 6))
        above.add_row(self._search(), self._rungs())
        failed = [(name, row) for name, row in self.tally.rows.items() if row.state == "failed"][-ERRORS:]
        errors = [Text(f"error: trial {r.number} {name}: {r.reason}", "red", overflow="ellipsis") for name, r in failed]
        return Group(above, Text(), self._trials(), *errors)

    def _search(self) -> Table:
        tally = self.tally
        speed = sum(row.images_per_second for row in tally.rows.values() if row.state == "running")
        gone = str(timedelta(seconds=round(self.clock() - self.started)))
        best = f"{self.measure.text(tally.best[0])}  trial {tally.best[1]}" if tally.best[1] else "-"
        there, vote = ", ".join(f"{n} {s}" for s, n in tally.counts().items() if n), "-"
        if tally.vote.members:
            vote = f"{self.measure.text(tally.vote.score)}  of {tally.vote.members} trials, in-sample"
        lines = {
            "trials": f"{there or 'none'} of {self.search.trials}",
            "metric": self.measure.shown,
            "best single": best,
            "ensemble": vote,
            "epochs": f"{tally.epochs} spent, {tally.epochs_saved} saved against full cross-validation",
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
        for step, held in self.race.rungs.items():
            beyond = self.race.beyond[step]
            here = sum(self._waits(name) and name not in beyond for name in held)
            table.add_row(f"fold 0, epoch {step}", str(len(held)), str(len(beyond)), str(here))
        for k in range(1, self.search.folds):
            arrived = sum(len(s) > k for s in self.race.fold_scores.values())
            on = sum(len(s) > k + 1 for s in self.race.fold_scores.values()) if k + 1 < self.search.folds else arrived
            table.add_row(f"fold {k}", str(arrived), str(on), "")
        return table

    def _waits(self, trial_id: str) -> bool:
        row = self.tally.rows.get(trial_id)
        return trial_id in self.waiting or (row is not None and row.state == "waiting")

    def _trials(self) -> Table:
        table = Table(expand=False, pad_edge=False, box=None, header_style="bold")
        for column in ("#", "trial", "state", "fold", "epochs", "score", "images/s", ""):
            table.add_column(column, justify="left" if column in ("trial", "state", "") else "right", no_wrap=True)
        for trial_id, row in self._visible():
            score = "-" if math.isnan(row.score) else self.measure.text(row.score)
            epochs = f"{row.step}/{self.tally.full}"
            speed = f"{row.images_per_second:.0f}" if row.state == "running" else ""
            cells = (str(row.number), trial_id, row.state, str(row.fold), epochs, score, speed, row.reason[:60])
            table.add_row(*cells, style=STYLES.get(row.state, "dim"))
        return table

    def _story(self, row: Row) -> str:
        score = "" if math.isnan(row.score) else f", score {self.measure.text(row.score)}"
        reason = f" ({row.reason})" if row.reason else ""
        return f"{row.state} after {row.step} epochs{score}{reason}"

    def _visible(self) -> list[tuple[str, Row]]:
        """Running trials, the best complete ones, then the latest others."""
        ranked = sorted(
            self.tally.rows.items(),
            key=lambda item: (
                ORDER.index(item[1].state),
                -item[1].score if item[1].state == "complete" else -item[1].number,
            ),
        )
        return ranked[:ROWS]
