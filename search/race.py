"""The fold race: pure decisions. Knows neither Ray nor Optuna, so that simulators and tests drive the same code.

Fold 0 is ASHA (Li et al. 2020, arXiv:1810.05934) in its promoting form: a trial that reaches a rung waits there until
it is among the best of what the rung holds; a free worker prefers a trial that may go on, and begins a new one
otherwise. Waiting is cheap, since every epoch's state lies on disk. (The stopping form, which Ray has, lets the first
trials through whatever they are worth, and the remaining folds cost most.) The end of fold 0 is a rung whatever the
arithmetic, and NaN ends a trial.

Departures, see docs/decisions/021 and 038. While new trials are to come few go on, but through all rungs: one of eta^2
of the first, half of `members` at most. Once none are to come the others are halved in order, as in SHA (Jamieson,
Talwalkar 2016, arXiv:1502.07943): each rung lets one of eta go on, `members` at least, since the ensemble wants as
many; the lowest rung comes first, so that the next one ranks all who get there. Rungs lie SPACING apart, not eta. Below
the end of the fold a rung ranks by the mean of a trial's two best epochs so far, since one epoch's score on a small
fold is noisy.

Later folds race against the complete trial of that rank: a trial stops when its mean difference to that one, on the
folds that both have, is below -margin standard errors. (The forgiving rule of Bergman, Purucker, Hutter 2024, which
compares with the rival's worst fold, was never better: decision 021.)
"""

import math
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

import numpy as np

from search.ranking import Ranking
from trainable.words import count

GO, WAIT, STOP = "go", "wait", "stop"
SPACING = 2  # between rungs


@dataclass(frozen=True)
class Verdict:
    """What a trial does after a score: GO on, WAIT at its rung, or STOP for good; `reason` in words."""

    action: str
    reason: str = ""


@dataclass
class Race:
    """Scores so far, and what they mean. A step counts epochs over all folds: fold k ends at step (k + 1) * epochs.

    trials: how many the search will have, which bounds what a rung can ever hold. members: what the ensemble wants, as
    long as the time does not tell otherwise. sure: set where the time is short: so many go on from each rung while new
    trials are to come, and the furthest always go on first.
    """

    epochs: int
    folds: int
    trials: int
    grace: int = 1
    eta: int = 4
    members: int = 10
    rule: str = "paired"
    margin: float = 1.0
    sure: int | None = None
    rungs: dict[int, dict[str, float]] = field(init=False)
    beyond: dict[int, set[str]] = field(init=False)  # trials that went on from a rung
    fold_scores: dict[str, list[float]] = field(init=False, default_factory=dict)
    curves: dict[str, dict[int, float]] = field(init=False, default_factory=dict)  # scores within fold 0, by step
    _ranked: dict[int, Ranking] = field(init=False, repr=False)  # all of a rung
    _held: dict[int, Ranking] = field(init=False, repr=False)  # those of them that did not go on
    _complete: Ranking = field(init=False, repr=False, default_factory=Ranking)  # by mean fold score
    _most: dict[int, int] = field(init=False, repr=False)  # trials that can ever go on from a rung

    def __post_init__(self) -> None:
        steps = milestones(self.epochs, self.grace)
        self.rungs = {step: {} for step in steps}
        self.beyond = {step: set() for step in steps}
        self._ranked = {step: Ranking() for step in steps}
        self._held = {step: Ranking() for step in steps}
        self._most, arrivals = {}, self.trials
        for step in steps:
            self._most[step] = arrivals = max(arrivals // self.eta, self.members)

    @property
    def lowest(self) -> int:
        """The step of the first rung."""
        return min(self.rungs)

    def record(self, trial: str, step: int, score: float) -> None:
        """Take a score: any epoch of fold 0, or the end of a later fold. Recording twice changes nothing."""
        value = -math.inf if math.isnan(score) else score
        if step < self.epochs:
            self.curves.setdefault(trial, {})[step] = value
        if step in self.rungs:
            rank_by = self._so_far(trial, step) if step < self.epochs else value
            self.rungs[step][trial] = rank_by
            self._ranked[step].add(trial, rank_by)
            if trial not in self.beyond[step]:
                self._held[step].add(trial, rank_by)
        for rung in self.rungs:
            if rung < step:
                self._go_on(trial, rung)
        if step % self.epochs == 0:
            scores = self.fold_scores.setdefault(trial, [])
            fold = step // self.epochs - 1
            assert fold <= len(scores), f"fold {fold} of {trial} before fold {len(scores)}"
            scores[fold : fold + 1] = [value]
            if len(scores) == self.folds:
                self._complete.add(trial, float(np.mean(scores)))

    def decide(self, trial: str, step: int, score: float, *, drained: bool = False) -> Verdict:
        """Whether a trial goes on after the score it has just recorded; `drained`: no new trials are to come."""
        if not math.isfinite(score):
            return Verdict(STOP, f"score {score} at step {step}")
        if step in self.rungs:
            return self._at_rung(trial, step, drained)
        if step > self.epochs and step % self.epochs == 0 and step < self.epochs * self.folds:
            return self._after_fold(trial, step // self.epochs)
        return Verdict(GO)

    def promote(self, waiting: Container[str], *, drained: bool = False) -> str | None:
        """The waiting trial that a free worker should take up; None: begin a new one."""
        for step in self.rungs if drained and self.sure is None else reversed(self.rungs):
            for trial in self._held[step]:
                if self._ranked[step].rank(trial) >= self._places(step, drained):
                    break
                if trial in waiting and self._may_go_on(trial, step, drained):
                    self._go_on(trial, step)
                    return trial
        return None

    def best_of(self, trials: Iterable[str]) -> list[str]:
        """These trials, those first that are furthest and best there."""

        def place(trial: str) -> tuple[int, float]:
            steps = [step for step, scores in self.rungs.items() if trial in scores]
            return (max(steps), self.rungs[max(steps)][trial]) if steps else (0, 0.0)

        return sorted(trials, key=place, reverse=True)

    def hopeless(self, waiting: Container[str]) -> list[tuple[str, str]]:
        """Waiting trials (and why) that no later arrival can lift: ranks only sink, and places are bounded."""
        found = []
        for step, held in self._held.items():
            ended = []
            for trial in reversed(held):
                if self._ranked[step].rank(trial) < self._most[step]:
                    break
                if trial in waiting:
                    found.append((trial, self._place(trial, step)))
                else:
                    ended.append(trial)
            for trial in ended:
                held.remove(trial)
        return found

    @property
    def ahead(self) -> set[str]:
        """Trials that went on from the first rung, which run all folds while new ones are to come."""
        return self.beyond[self.lowest]

    @property
    def lets_all_finish(self) -> bool:
        """Whether a trial that begins its later folds will run them all: too few are complete to race against."""
        return self.rule == "none" or len(self._complete) < self.members

    def expected_epochs(self) -> int:
        """Epochs a whole search takes when every rung lets go on as many as it may and no later fold is cut short."""
        total, before, arrivals = 0, 0, self.trials
        for step in self.rungs:
            total += arrivals * (step - before)
            before, arrivals = step, min(arrivals, self._most[step])
        return total + arrivals * self.epochs * (self.folds - 1)

    def _so_far(self, trial: str, step: int) -> float:
        """Mean of the two best scores up to `step`; the worst there is when the last one is no number."""
        scores = {s: score for s, score in self.curves[trial].items() if s <= step}
        return float(np.mean(sorted(scores.values())[-2:])) if math.isfinite(scores[step]) else -math.inf

    def _at_rung(self, trial: str, step: int, drained: bool) -> Verdict:
        if trial in self.beyond[step]:
            return Verdict(GO)
        reason = self._place(trial, step)
        others_come = drained and self.sure is None and step != self.lowest
        if not others_come and self._may_go_on(trial, step, drained):
            self._go_on(trial, step)
            return Verdict(GO, reason)
        return Verdict(WAIT if self._ranked[step].rank(trial) < self._most[step] else STOP, reason)

    def _go_on(self, trial: str, step: int) -> None:
        self.beyond[step].add(trial)
        self._held[step].remove(trial)

    def _may_go_on(self, trial: str, step: int, drained: bool) -> bool:
        deciding = (step,) if drained or self.sure is not None else (step, self.lowest)
        return all(self._ranked[rung].rank(trial) < self._places(rung, drained) for rung in deciding)

    def _places(self, step: int, drained: bool) -> int:
        """So many of a rung may go on; of a later one, while new trials are to come, those that may from the first."""
        held, first = len(self.rungs[step]), self.lowest
        if self.sure is not None:
            return self.members if drained else self.sure
        if drained:
            return max(held // self.eta, self.members)
        return min(held // self.eta**2, max(self.members // 2, 1)) if step == first else self._most[step]

    def _place(self, trial: str, step: int) -> str:
        ranked = self._ranked[step]
        by = ", by its two best epochs" if step < self.epochs else ""
        return f"rank {ranked.rank(trial) + 1} of {len(ranked)} after {count(step, 'epoch')}{by}"

    def _after_fold(self, trial: str, folds_done: int) -> Verdict:
        if self.lets_all_finish:
            return Verdict(GO)
        rival = self._complete[self.members - 1]
        mine, theirs = np.array(self.fold_scores[trial][:folds_done]), np.array(self.fold_scores[rival])
        difference = mine - theirs[:folds_done]
        error = difference.std(ddof=1) / math.sqrt(folds_done)
        good, bar = difference.mean() >= -self.margin * error, theirs[:folds_done].mean()
        reason = f"mean {mine.mean():.4f} of {folds_done} folds against {bar:.4f} of rank {self.members}"
        return Verdict(GO if good else STOP, reason)


def milestones(epochs: int, grace: int) -> list[int]:
    """Steps at which fold 0 has a rung: grace * SPACING^i, then `epochs` itself.

    Without rungs that would be followed by less than half of the epochs before them.
    """
    steps = [grace]
    while 1.5 * SPACING * steps[-1] <= epochs:
        steps.append(SPACING * steps[-1])
    return [*(step for step in steps if step < epochs), epochs]


def first_rung(epochs: int, *, pretrained: bool) -> int:
    """Where the first rung lies when nobody says: an eighth of fold 0 for networks that start pretrained, else half.

    Rounded up. Of so few epochs that a rung would tell nothing (below 4; below 8 from random weights) the end alone.
    See docs/decisions/038.
    """
    least, share = (4, 8) if pretrained else (8, 2)
    return epochs if epochs < least else -(-epochs // share)
