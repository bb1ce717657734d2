"""The search told in plain lines, where nobody has a terminal: one a fold or an ending, and one a minute."""

import math
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console

from search.space import Search
from search.watch.tally import Tally
from trainable.metrics import MACRO_F1, Metric, get
from trainable.run import Trial
from trainable.training.report import Report
from trainable.words import count, duration

QUIET = 60.0  # seconds without a line
LOOK = 5.0  # seconds between two looks at what goes on beside epochs


@dataclass
class Log:
    """A watcher; also the words that its lines and the live table share.

    expected_epochs: of the whole search, see Race.expected_epochs. stage: the kind of trials apart from the search's
    own that these are. taken: trials that came from another run. ahead:
    folds that workers train before their trial comes to them. measure: what scores are; people read them with its own
    sign. passes: told anew, how far passes over photos are that end in no epoch. limit: seconds that are left by
    `--hours`. quiet: seconds after which it says where things stand, though nothing has ended.
    """

    search: Search
    expected_epochs: int
    tally: Tally
    stage: str = ""
    taken: int = 0
    ahead: Collection[object] = ()
    measure: Metric = field(default_factory=lambda: get(MACRO_F1, ()))
    console: Console = field(default_factory=Console)
    clock: Callable[[], float] = time.monotonic
    passes: Callable[[], Iterable[str]] = tuple
    limit: Callable[[], float] = lambda: math.inf
    quiet: float = QUIET

    def __post_init__(self) -> None:
        self.started = self.said = self.clock()
        self.over = threading.Event()
        self.looked, self.seen = -LOOK, list[str]()

    def __enter__(self) -> Self:
        if not self.console.is_terminal:
            threading.Thread(target=self._mark_time, name="log", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()

    def began(self, trial: Trial) -> None: ...

    def reported(self, trial: Trial, report: Report) -> None:
        """A fold that is done; the last one's is told with the trial's own ending."""
        if report.fold_done and report.step < self.tally.full:
            row = self.tally.rows[trial.id]
            own = self.measure.text(report.score)
            done = f"fold {report.fold} done, {report.fold + 1} of {self.search.folds}, its own score {own}"
            self._say(f"trial {row.number} {trial.id}: {done}")

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        row = self.tally.rows[trial.id]
        score = "" if math.isnan(row.score) else f", score {self.measure.text(row.score)}"
        why = f" ({reason})" if reason else ""
        self._say(f"trial {row.number} {trial.id}: {state} after {count(row.step, 'epoch')}{score}{why}")
        if state != "waiting":
            self._say(f"  {self.summary()}")

    def summary(self) -> str:
        """One line that also reads well in a log."""
        tally, counts = self.tally, self.tally.counts()
        states = ", ".join(f"{counts[s]} {s}" for s in ("running", "waiting", "stopped", "complete", "failed"))
        taken = f" and {self.taken} taken over" if self.taken else ""
        parts = [f"{states} of {count(self.search.trials - self.taken, 'trial')}{taken}"]
        if self.ahead:
            parts.append(f"{count(len(self.ahead), 'fold')} trained ahead")
        parts.append(self.best())
        if tally.vote.members:
            parts.append(f"vote {self.measure.text(tally.vote.score)} of {tally.vote.members}, in-sample")
        return "; ".join([*parts, f"{tally.epochs} of about {self.epochs()} epochs", f"{self.time_left()} left"])

    def best(self) -> str:
        """The best complete trial or, before there is one, the best score in a first fold."""
        score, name = self.tally.best
        if name:
            return f"best {self.measure.text(score)} ({name})"
        score, number, step = self.tally.so_far
        if math.isnan(score):
            return "no score yet"
        return f"best so far {self.measure.text(score)} (trial {number}, {count(step, 'epoch')} of fold 0)"

    def epochs(self) -> int:
        """What the search is expected to take; it may turn out to be more."""
        return max(self.expected_epochs, self.tally.epochs + self.tally.under_way())

    def time_left(self) -> str:
        """From the pace of this sitting and the epochs a whole search is expected to take, within the time given."""
        left = max(0.0, self.limit())
        if self.tally.epochs_here:
            pace = (self.clock() - self.started) / self.tally.epochs_here
            left = min(left, (self.epochs() - self.tally.epochs) * pace)
        return f"about {duration(left)}" if math.isfinite(left) else "unknown time"

    def passing(self) -> list[str]:
        """A line a pass, looked up every `LOOK` seconds."""
        if (now := self.clock()) - self.looked >= LOOK:
            self.looked, self.seen = now, list(self.passes())
        return self.seen

    def _say(self, line: str) -> None:
        if not self.console.is_terminal:
            self.said = self.clock()
            line = f"{self.stage}: {line.strip()}" if self.stage else line
            self.console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _mark_time(self) -> None:
        while not self.over.wait(self.quiet / 4):
            if self.clock() - self.said >= self.quiet:
                for line in (self.summary(), *self.passing()):
                    self._say(f"  {line}")
