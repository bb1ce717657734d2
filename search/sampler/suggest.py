"""What the sampler sees: a view of the ledger, made for every suggestion.

Optuna's TPE ranks PRUNED trials by (step, value) below every COMPLETE one, and takes RUNNING ones for bad (constant
liar). A trial that waits at a rung is RUNNING in the ledger, yet it has a score to learn from. So each suggestion is
asked of a study in memory, which is shown trials as the sampler should see them; the history is capped, because
TPE's time grows with it. The sampler's seed depends on (seed, trial number, attempt) alone: a resumed search suggests
what the undisturbed one would have.
"""

import itertools
import math
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from search.sampler.own import ENUMERATING, Sampler, restore, seeded
from search.sampler.unfinished import estimates
from search.suggested import thawed, thawed_choices

CAP = 400
TRIES = 4  # suggestions of the model that may be known already, before random ones are asked for


@dataclass(frozen=True)
class Suggester:
    """sampler: "tpe", "random" or one of Optuna's. startup: trials before TPE models. view: how unfinished trials look:

    "pruned"     PRUNED at their last step, below all complete ones (Optuna's own ranking)
    "complete"   COMPLETE with their last score, whatever its fidelity (what stock Ray Tune tells)
    "estimated"  COMPLETE with the score that all folds would give (search.sampler.unfinished)
    """

    sampler: Sampler
    seed: int
    startup: int
    view: str = "estimated"

    def draws(self, history: list[FrozenTrial], number: int) -> Iterator[Trial]:
        """Trials of an in-memory study to call a space with, until one is new.

        Those that were refused stay in that study as running ones, which TPE takes for bad: it looks elsewhere.
        """
        study = optuna.create_study(direction="maximize")
        shown = capped([t for t in history if t.params and t.state != TrialState.FAIL])
        for trial in self._seen(shown):
            with suppress(ValueError):  # a journal may hold what lies outside of its distribution: it teaches nothing
                study.add_trial(trial)
        restore(study, shown)
        for attempt in itertools.count():
            study.sampler = self._build(number, attempt)
            yield study.ask()

    def at_random(self, number: int) -> Iterator[Trial]:
        """Trials drawn independently of any history, without end."""
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        while True:
            yield study.ask()

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        scores = [_scores(t) for t in trials]
        finals = [_final(t) for t in trials]
        known = estimates(scores, finals) if self.view == "estimated" else finals
        told = [*(score for own in scores for score in own.values()), *(final for final in finals if final is not None)]
        worst = min([0.0, *told])  # a loss is below 0
        return [self._copy(*each, worst) for each in zip(trials, scores, known, strict=True)]

    def _copy(self, trial: FrozenTrial, scores: dict[int, float], value: float | None, worst: float) -> FrozenTrial:
        if value is None and self.view != "pruned" and trial.intermediate_values:
            value = scores[max(scores)] if scores else worst  # it diverged at once
        if value is not None:
            return self._show(trial, TrialState.COMPLETE, value, {})
        state = TrialState.PRUNED if trial.intermediate_values else TrialState.RUNNING
        return self._show(trial, state, None, scores)

    def _show(self, trial: FrozenTrial, state: TrialState, value: float | None, scores: dict[int, float]) -> "_Shown":
        return _Shown.of(trial, state, value, scores, {} if isinstance(self.sampler, str) else trial.system_attrs)

    def _build(self, number: int, attempt: int) -> optuna.samplers.BaseSampler:
        """TPE with grouped conditional spaces (Watanabe 2023), random, or a seeded copy of the user's own."""
        seed = int(np.random.SeedSequence((self.seed, number, attempt)).generate_state(1)[0])
        if self.sampler == "random" or (attempt >= TRIES and not isinstance(self.sampler, ENUMERATING)):
            return optuna.samplers.RandomSampler(seed=seed)
        if not isinstance(self.sampler, str):
            return seeded(self.sampler, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # `group`; pinned and tested
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=self.startup, multivariate=True, group=True, constant_liar=True
            )


class _Shown(FrozenTrial):
    """A trial made for one study, which therefore need not copy it: that took most of a suggestion's time."""

    @classmethod
    def of(
        cls,
        trial: FrozenTrial,
        state: TrialState,
        value: float | None,
        scores: dict[int, float],
        attributes: dict[str, Any],
    ) -> Self:
        ended = trial.datetime_start if state.is_finished() else None
        return cls(
            number=-1,
            trial_id=-1,
            state=state,
            value=value,
            datetime_start=trial.datetime_start,
            datetime_complete=ended,
            params={name: thawed(value) for name, value in trial.params.items()},
            distributions={name: thawed_choices(each) for name, each in trial.distributions.items()},
            user_attrs={},
            system_attrs=attributes,
            intermediate_values=scores,
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _scores(trial: FrozenTrial) -> dict[int, float]:
    """Scores by step, without NaN."""
    return {step: score for step, score in trial.intermediate_values.items() if not math.isnan(score)}


def _final(trial: FrozenTrial) -> float | None:
    """The out-of-fold score of a complete trial."""
    return trial.value if trial.state == TrialState.COMPLETE else None


def capped(history: list[FrozenTrial], cap: int = CAP) -> list[FrozenTrial]:
    """At most `cap` trials in their order: the better half by (step, score), and the latest of the others."""
    if len(history) <= cap:
        return history

    def rank(trial: FrozenTrial) -> tuple[int, float]:
        steps = trial.intermediate_values
        if not steps:
            return (0, 0.0)
        value = steps[max(steps)]
        return (max(steps), -math.inf if math.isnan(value) else value)

    best = set(sorted(range(len(history)), key=lambda i: rank(history[i]), reverse=True)[: cap // 2])
    latest = [i for i in range(len(history) - 1, -1, -1) if i not in best][: cap - len(best)]
    return [history[i] for i in sorted(best.union(latest))]
