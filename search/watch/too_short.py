"""Says at once when `--hours` is below the cost of one trial, which the first epochs tell."""

from collections.abc import Callable
from dataclasses import dataclass

from search.deadline import Deadline
from search.space import Search
from trainable.run import Trial
from trainable.training.report import Report
from trainable.words import duration


@dataclass
class TooShort:
    """A watcher. hours: as asked for. complete: how many trials can vote. said: it speaks once, while none can."""

    search: Search
    deadline: Deadline
    hours: float
    complete: Callable[[], int]
    said: bool = False

    def began(self, trial: Trial) -> None:
        """Nothing is known yet."""

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        """Only epochs tell what a trial costs."""

    def reported(self, trial: Trial, report: Report) -> None:
        d = self.deadline
        if not self.said and not self.complete() and d.epoch() and d.one_trial > d.seconds:
            self.said = True
            print(f"warning: {self.sentence()}. As it is, the folds that are done will vote", flush=True)

    def sentence(self) -> str:
        """The time that one trial would take, and what could be cut."""
        s, d = self.search, self.deadline
        if not d.epoch():
            return "--hours: not one epoch has ended; more time, smaller photos or a smaller network would do"
        given, trial = duration(self.hours * 3600), f"{s.folds} folds of {s.epochs} epochs of {d.epoch():.1f} s"
        return (
            f"--hours: the {given} are below the cost of one trial ({trial}); --hours {d.one_trial / 3600:.2g} would "
            "do, or in SEARCH fewer folds or epochs, or smaller photos (input.size)"
        )
