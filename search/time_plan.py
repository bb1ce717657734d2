"""`--hours` as a plan: what the time left says of who begins, who goes on, and whose folds are spread.

`search.deadline` knows what an epoch costs; here that meets the trials at hand. Without `--hours`, or for trials that
are apart from the search, nothing here forbids anything. See docs/decisions/036.
"""

from collections.abc import Container, Hashable
from dataclasses import dataclass, field

from search.deadline import Deadline, kind_of
from search.ledger import Ledger
from search.places import Places
from search.race import Race
from search.space import Search
from trainable.config import TrialConfig
from trainable.run import Trial
from trainable.training.report import Report

REPEATING = 4  # trials that the time is worth, below which other seeds of what was asked for are trained
RACING = 12  # trials that the time is worth, from which on trials are promoted while new ones are to come
RACING_EARLY = 8  # the same where the first rung is after less than EARLY of the epochs, too soon to choose by alone
EARLY = 0.25


@dataclass
class TimePlan:
    """frozen: whether heads on frozen networks can vote already. more: trials that go on than it had thought.

    fitted: trials heard of that are heads on features, without a seed.
    """

    search: Search
    ledger: Ledger
    race: Race
    places: Places
    deadline: Deadline = field(default_factory=Deadline)
    frozen: bool = False
    more: int = 0
    fitted: set[str] = field(default_factory=set)

    @property
    def given(self) -> bool:
        """Whether the time left decides how many are tried and how many completed; not of trials that are apart."""
        return self.deadline.given and not self.ledger.apart

    @property
    def empty(self) -> bool:
        """Whether nothing could vote yet, so that one trial is to be complete before anything else."""
        return not (self.places.complete or self.frozen)

    @property
    def enough(self) -> bool:
        """Whether those that were begun are enough: completing the furthest of them takes what is left."""
        begun = self.places.begun
        wanted = max(0, self.race.members - self.places.complete)
        if not self.given or self.deadline.passed or not wanted or len(begun) < wanted:
            return self.deadline.passed
        likely = self.race.best_of(begun)[:wanted]
        one_more = self.race.lowest * self.deadline.epoch()
        return self.deadline.closes(
            [(self.pace(begun[name]), self.places.done(name)) for name in likely], [*self._elsewhere(likely), one_more]
        )

    def _elsewhere(self, likely: Container[str]) -> list[float]:
        """Seconds until workers are free that are at other trials, up to their rungs, or at folds before their turn."""
        places, found = self.places, self._ahead()
        for name, trial in places.running.items():
            if name not in likely:
                step = max(places.steps.get(name, 0), places.heard.get(name, 0))
                stops = [*(rung for rung in self.race.rungs if rung > step), self.search.epochs * self.search.folds]
                found.append((stops[0] - step) * self.deadline.epoch(self.pace(trial)))
        return found

    def _ahead(self) -> list[float]:
        """Seconds until each fold ends that is trained before its turn."""
        busy = self.places.busy
        return [
            (self.search.epochs - done) * self.deadline.epoch(self.pace(busy[name]))
            for (name, _), done in self.places.parallel.training.items()
            if name in busy
        ]

    @property
    def repeating(self) -> bool:
        """Whether the time is too short to find something better than what somebody asked for.

        By what that itself costs (with what others cost the answer would change as they are tried); as long as its
        first epoch is waited for, it may be. Never heads that are fitted, which other seeds would fit alike.
        """
        asked = next(iter(self.ledger.asked_for), None) if self.given else None
        if asked is None or asked in self.fitted:
            return False
        if asked in self.deadline.costs:
            return self.deadline.worth_of(asked) < REPEATING
        return asked in self.places.busy and not self.places.busy[asked].config.fitted

    def again(self) -> str | None:
        """The trial of which another seed is to be trained, rather than a suggestion: the best that was asked for."""
        if not self.repeating:
            return None
        asked = {name: self.ledger.find(name).value for name, of in self.ledger.asked_for.items() if not of}
        scores = {name: value for name, value in asked.items() if value is not None}
        return max(scores, key=scores.__getitem__) if scores else next(iter(asked))

    @property
    def _racing(self) -> float:
        return RACING_EARLY if self.race.lowest < EARLY * self.search.epochs else RACING

    def weigh(self) -> None:
        """Tell the race how many are to be complete."""
        if self.repeating:
            self.race.members = len(self.ledger.numbers) + 1
            self.race.sure = self.race.members  # all go on
        elif self.given:
            self.race.members = self.deadline.wanted(self.search.members) + self.more
            self.race.sure = int(self.empty) if self.empty or self.deadline.worth < self._racing else None

    def one_more(self) -> bool:
        """Let one more go on from its rung than was thought, so that no worker idles; False where all do."""
        if not self.given or not self.places.waiting or self.race.members >= len(self.ledger.numbers):
            return False
        self.more += 1
        self.weigh()
        return True

    def sure(self, *, drained: bool) -> set[str]:
        """Trials at work that go on whatever comes, so that their folds need not wait for their turn."""
        if not self.given:
            return set()
        busy = self.places.busy
        if self.repeating and self.deadline.costs:
            return busy.keys() & self.ledger.asked_for.keys()
        if self.empty:
            eldest = next((name for name in self.ledger.numbers if name in busy), None)
            return set() if eldest is None else {eldest}
        return {name for name in busy if name in self.race.beyond[self.race.lowest]} if drained else set()

    def rungs(self) -> tuple[int, ...]:
        """Epochs after which a trial waits for a word; where nothing could vote yet, any may be the last in time."""
        return tuple(range(1, self.search.epochs) if self.given and self.empty else self.race.rungs)

    def fits(self, config: TrialConfig) -> bool:
        """Whether a new trial could end all its folds in time."""
        return not self.given or self.deadline.fits(kind_of(config))

    def able(self) -> Container[str]:
        """Those waiting at rungs that could end all their folds in time."""
        waiting = self.places.waiting
        if not self.given:
            return waiting
        return {i for i, t in waiting.items() if self.deadline.fits(self.pace(t), self.places.done(i))}

    def lasts(self, trial: Trial, step: int) -> bool:
        """Whether a trial goes on to its next epoch: it can end in time, and so can its fold.

        Where no fold is done at all, the last epoch that can end is all that there will be.
        """
        fold, inside = divmod(step, self.search.epochs)
        if not self.given or (trial.id, fold) in self.places.parallel.done:  # told again, which takes no time
            return True
        if self.repeating and (
            trial.id not in self.ledger.asked_for or (not inside and trial.id not in self._all_able())
        ):
            return False
        no_fold = not self.places.parallel.done and max(self.places.steps.values(), default=0) < self.search.epochs
        epochs = 1 if self.empty and no_fold else self.search.epochs - inside
        return self.deadline.lasts(self.pace(trial), epochs)

    def _all_able(self) -> list[str]:
        """Of those begun, the furthest that can all be complete in time."""
        begun, able = self.places.begun, list[str]()
        for name in sorted(begun, key=self.places.done, reverse=True):
            rests = [(self.pace(begun[each]), self.places.done(each)) for each in (*able, name)]
            slack = self.deadline.late + self.deadline.epoch(self.pace(begun[name]))  # epochs that are about to end
            if self.deadline.takes(rests, self._ahead()) > self.deadline.left + slack:
                break
            able.append(name)
        return able

    def heard(self, trial: Trial, report: Report) -> None:
        """Learn what an epoch takes."""
        if trial.config.fitted:
            self.fitted.add(trial.id)
        for whose in (trial.id, kind_of(trial.config)):
            self.deadline.heard(whose, report.pace, report.starting)

    def pace(self, trial: Trial) -> Hashable:
        """By what its epochs are known best: itself, or its kind."""
        return trial.id if trial.id in self.deadline.costs else kind_of(trial.config)
