"""The fold race: pure decisions. Knows neither Ray nor Optuna, so that simulators and tests drive the same code.

Fold 0 is ASHA (Li et al. 2020, arXiv:1810.05934) in its stopping form, with three repairs: a rung decides only when it
holds at least eta scores, the end of fold 0 is a rung whatever the arithmetic, and NaN is the worst score.
Later folds race against the M-th best complete trial, M being how many the ensemble wants:
  forgiving  stop when the mean so far is not above that trial's worst fold (Bergman, Purucker, Hutter 2024)
  paired     stop when the mean difference on the same folds is below -margin standard errors
"""

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Decision:
    go: bool
    reason: str = ""


GO = Decision(True)


@dataclass
class Race:
    """Scores so far, and what they mean for a trial that has just reported.

    A step counts epochs over all folds: fold k ends at step (k + 1) * epochs.
    """

    epochs: int
    folds: int
    grace: int = 1
    eta: int = 3
    members: int = 10
    rule: str = "paired"
    margin: float = 1.0
    rungs: dict[int, dict[str, float]] = field(init=False)
    fold_scores: dict[str, list[float]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.rungs = {step: {} for step in milestones(self.epochs, self.grace, self.eta)}

    def record(self, trial: str, step: int, score: float) -> None:
        """Take a score: any epoch of fold 0, or the end of a later fold. Recording twice changes nothing."""
        value = -math.inf if math.isnan(score) else score
        if step in self.rungs:
            self.rungs[step][trial] = value
        if step % self.epochs == 0:
            scores = self.fold_scores.setdefault(trial, [])
            fold = step // self.epochs - 1
            assert fold <= len(scores), f"fold {fold} of {trial} before fold {len(scores)}"
            scores[fold : fold + 1] = [value]

    def decide(self, trial: str, step: int, score: float) -> Decision:
        """Whether a trial goes on after the score it has just recorded."""
        if not math.isfinite(score):
            return Decision(False, f"score {score} at step {step}")
        if step <= self.epochs:
            return self._rung(trial, step)
        if step % self.epochs == 0 and step < self.epochs * self.folds:
            return self._later_fold(trial, step // self.epochs)
        return GO

    def complete(self) -> dict[str, float]:
        """Mean fold score of every trial that finished all folds."""
        return {t: float(np.mean(s)) for t, s in self.fold_scores.items() if len(s) == self.folds}

    def _rung(self, trial: str, step: int) -> Decision:
        entries = self.rungs.get(step, {})
        if len(entries) < self.eta:
            return GO
        keep = max(1, len(entries) // self.eta)
        cutoff = sorted(entries.values(), reverse=True)[keep - 1]
        if entries[trial] >= cutoff:
            return GO
        return Decision(
            False, f"rung {step}: {entries[trial]:.4f} is below {cutoff:.4f}, the best {keep} of {len(entries)}"
        )

    def _later_fold(self, trial: str, folds_done: int) -> Decision:
        complete = self.complete()
        if self.rule == "none" or len(complete) < self.members:
            return GO
        rival = sorted(complete, key=lambda t: complete[t], reverse=True)[self.members - 1]
        mine, theirs = np.array(self.fold_scores[trial][:folds_done]), np.array(self.fold_scores[rival])
        if self.rule == "forgiving":
            good, bar = mine.mean() > theirs.min(), f"the worst fold {theirs.min():.4f}"
        else:
            difference = mine - theirs[:folds_done]
            error = difference.std(ddof=1) / math.sqrt(folds_done)
            good, bar = difference.mean() >= -self.margin * error, f"{theirs[:folds_done].mean():.4f} on the same folds"
        if good:
            return GO
        return Decision(
            False, f"after {folds_done} folds: mean {mine.mean():.4f} against {bar} of {rival}, rank {self.members}"
        )


def milestones(epochs: int, grace: int, eta: int) -> list[int]:
    """Steps at which fold 0 is judged: grace * eta^i below `epochs`, then `epochs` itself."""
    steps, step = [], grace
    while step < epochs:
        steps.append(step)
        step *= eta
    return [*steps, epochs]
