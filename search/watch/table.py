"""The live table of a search on a terminal; elsewhere it is told in lines, see search.watch.log."""

import math
from collections.abc import Container
from dataclasses import dataclass
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from search.race import Race
from search.watch.log import Log
from search.watch.tally import Row
from trainable.run import Trial
from trainable.terminal import fitting, without
from trainable.training.report import Report
from trainable.words import count, duration

ROWS, ERRORS = 12, 3
NARROW = 100  # columns of a terminal in which the race stands below the search, not beside it
COLUMNS = ("#", "trial", "state", "fold", "epochs", "score", "images/s", "")
GIVE_WAY = ("", "images/s", "trial", "fold", "epochs")  # what a narrow terminal loses, first to last
RACE = ("race", "arrived", "went on", "waiting")
ORDER = ("running", "complete", "waiting", "failed", "stopped")
STYLES = {"running": "", "complete": "green", "failed": "red"}


@dataclass
class LiveTable:
    """A watcher that shows trials by state, the best score, the race, epochs spent and time left.

    log: counts and says; what it is told is told here. waiting: ids of trials at a rung, the director's.
    """

    log: Log
    race: Race | None = None
    waiting: Container[str] = ()

    def __post_init__(self) -> None:
        self.search, self.tally, self.measure = self.log.search, self.log.tally, self.log.measure
        self.console = self.log.console
        self.live = Live(get_renderable=self.render, console=self.console, refresh_per_second=2)

    def __enter__(self) -> Self:
        self.log.__enter__()
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.log.__exit__()
        if self.console.is_terminal:
            self.live.stop()

    def began(self, trial: Trial) -> None:
        self.tally.began(trial)

    def reported(self, trial: Trial, report: Report) -> None:
        self.tally.reported(trial, report)
        self.log.reported(trial, report)

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        self.tally.ended(trial, state, reason)
        self.log.ended(trial, state, reason)

    def render(self) -> Group:
        """What the terminal shows: the search, the rungs beside it, trials, and errors last."""
        above = Table.grid(padding=(0, 6))
        if self.console.width < NARROW:
            above.add_row(self._search())
            above.add_row(self._rungs())
        else:
            above.add_row(self._search(), self._rungs())
        failed = [(name, row) for name, row in self.tally.rows.items() if row.state == "failed"][-ERRORS:]
        errors = [Text(f"error: trial {r.number} {name}: {r.reason}", "red", overflow="ellipsis") for name, r in failed]
        return Group(above, Text(), self._trials(), *errors)

    def _search(self) -> Table:
        tally = self.tally
        speed = sum(row.images_per_second for row in tally.rows.values() if row.state == "running")
        there, vote = ", ".join(f"{n} {s}" for s, n in tally.counts().items() if n), "-"
        if tally.vote.members:
            vote = f"{self.measure.text(tally.vote.score)}  of {count(tally.vote.members, 'trial')}, in-sample"
        lines = {
            **({"stage": self.log.stage} if self.log.stage else {}),
            "trials": f"{there or 'none'} of {self.search.trials}",
            "metric": self.measure.shown,
            "best single": self.log.best().removeprefix("best "),
            "ensemble": vote,
            **({"passes": "\n".join(passing)} if (passing := self.log.passing()) else {}),
            "epochs": f"{tally.epochs} of about {self.log.epochs()}; the race spared {tally.epochs_saved}",
            "speed": f"{speed:.0f} images/s",
            "time": f"{duration(self.log.clock() - self.log.started)} gone, {self.log.time_left()} left",
        }
        grid = Table.grid(padding=(0, 2))
        for name, line in lines.items():
            grid.add_row(Text(name, "bold"), line)
        return grid

    def _rungs(self) -> RenderableType:
        """Where trials are in the race."""
        if self.race is None:
            return Text()
        return fitting(self.console, without(RACE, RACE[:0:-1], self._rungs_by))

    def _rungs_by(self, columns: list[str]) -> Table:
        assert self.race is not None
        table = Table(pad_edge=False, box=None, header_style="bold")
        for column in columns:
            table.add_column(column, justify="left" if column == "race" else "right", no_wrap=True)
        for step, held in self.race.rungs.items():
            beyond = self.race.beyond[step]
            here = sum(self._waits(name) and name not in beyond for name in held)
            cells = (f"fold 0, epoch {step}", str(len(held)), str(len(beyond)), str(here))
            table.add_row(*cells[: len(columns)])
        for k in range(1, self.search.folds):
            arrived = sum(len(s) > k for s in self.race.fold_scores.values())
            on = sum(len(s) > k + 1 for s in self.race.fold_scores.values()) if k + 1 < self.search.folds else arrived
            table.add_row(*(f"fold {k}", str(arrived), str(on), "")[: len(columns)])
        return table

    def _waits(self, trial_id: str) -> bool:
        row = self.tally.rows.get(trial_id)
        return trial_id in self.waiting or (row is not None and row.state == "waiting")

    def _trials(self) -> Table:
        return fitting(self.console, without(COLUMNS, GIVE_WAY, self._trials_by))

    def _trials_by(self, columns: list[str]) -> Table:
        table = Table(expand=False, pad_edge=False, box=None, header_style="bold")
        for column in columns:
            left = column in ("trial", "state", "")
            table.add_column(column, justify="left" if left else "right", no_wrap=bool(column))  # "" is cut first
        for trial_id, row in self._visible():
            cells: dict[str, RenderableType] = {
                "#": str(row.number),
                "trial": escape(trial_id),
                "state": row.state,
                "fold": str(row.fold),
                "epochs": f"{row.step}/{self.tally.full}",
                "score": "-" if math.isnan(row.score) else self.measure.text(row.score),
                "images/s": f"{row.images_per_second:.0f}" if row.state == "running" else "",
                "": Text(row.reason[:60], no_wrap=True, overflow="ellipsis"),
            }
            table.add_row(*(cells[column] for column in columns), style=STYLES.get(row.state, "dim"))
        return table

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
