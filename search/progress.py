"""The live table of a search: a rich table on a terminal, plain lines in a log file."""

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from search.space import Search

ROWS = 12


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
    """A watcher (search.director) that shows trials by state, the best score, epochs spent and time left."""

    search: Search
    slots: int
    score_of: Callable[[str], float]  # the out-of-fold macro-F1 of a complete trial
    console: Console = field(default_factory=Console)
    clock: Callable[[], float] = time.monotonic
    rows: dict[str, Row] = field(default_factory=dict)
    best: tuple[float, str] = (math.nan, "")
    earlier: Counter[str] = field(default_factory=Counter)  # trials by state that an earlier process ended
    ended_here: int = 0

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

    def began(self, trial_id: str) -> None:
        self.rows[trial_id] = Row(number=sum(self.earlier.values()) + len(self.rows) + 1)

    def reported(self, trial_id: str, report: dict[str, Any]) -> None:
        row = self.rows[trial_id]
        row.fold, row.step, row.score = report["fold"], report["step"], report["score"]
        row.images_per_second = report["metrics"].get("images_per_second", 0.0)

    def ended(self, trial_id: str, state: str, reason: str) -> None:
        row = self.rows.setdefault(trial_id, Row(number=len(self.rows) + 1))
        row.state, row.reason = state, reason
        self.ended_here += 1
        if state == "complete":
            row.score = self.score_of(trial_id)
            if not row.score <= self.best[0]:
                self.best = (row.score, trial_id)
        if not self.console.is_terminal:
            self.console.print(f"trial {row.number} {trial_id}: {self._story(row)}", soft_wrap=True, highlight=False)
            self.console.print(f"  {self.summary()}", soft_wrap=True, highlight=False)

    def counts(self) -> Counter[str]:
        return self.earlier + Counter(row.state for row in self.rows.values())

    def summary(self) -> str:
        """One line that also reads well in a log."""
        counts = self.counts()
        states = ", ".join(f"{counts[s]} {s}" for s in ("running", "stopped", "complete", "failed"))
        best = f"best {self.best[0]:.4f} ({self.best[1]})" if self.best[1] else "best -"
        spent = sum(row.step for row in self.rows.values())
        full = len(self.rows) * self.search.epochs * self.search.folds
        share = f"{spent} of {full} epochs of full cross-validation" if full else "no epochs"
        return f"{states} of {self.search.trials} trials; {best}; {share}; left {self.time_left()}"

    def time_left(self) -> str:
        """From the pace of trials that ended in this process."""
        if not self.ended_here:
            return "-"
        counts = self.counts()
        todo = self.search.trials - sum(counts.values()) + counts["running"] / 2
        pace = (self.clock() - self.started) / self.ended_here
        return str(timedelta(seconds=round(max(0.0, todo) * pace)))

    def render(self) -> Group:
        table = Table(expand=False, pad_edge=False, box=None, header_style="bold")
        for column in ("#", "trial", "state", "fold", "epochs", "macro-F1", "images/s", ""):
            table.add_column(column, justify="left" if column in ("trial", "state", "") else "right", no_wrap=True)
        for trial_id, row in self._visible():
            score = "-" if math.isnan(row.score) else f"{row.score:.4f}"
            epochs = f"{row.step}/{self.search.epochs * self.search.folds}"
            speed = f"{row.images_per_second:.0f}" if row.state == "running" else ""
            cells = (str(row.number), trial_id, row.state, str(row.fold), epochs, score, speed, row.reason[:60])
            table.add_row(*cells, style={"running": "", "complete": "green", "failed": "red"}.get(row.state, "dim"))
        return Group(table, Text(self.summary(), style="bold"))

    def _visible(self) -> list[tuple[str, Row]]:
        """Running trials, the best complete ones, then the latest others."""
        order = {"running": 0, "complete": 1, "failed": 2, "stopped": 3}
        ranked = sorted(
            self.rows.items(),
            key=lambda item: (order[item[1].state], -item[1].score if item[1].state == "complete" else -item[1].number),
        )
        return ranked[:ROWS]

    def _story(self, row: Row) -> str:
        score = "" if math.isnan(row.score) else f", macro-F1 {row.score:.4f}"
        reason = f" ({row.reason})" if row.reason else ""
        return f"{row.state} after {row.step} epochs{score}{reason}"
