"""What the sampler sees: a view of the ledger, made for every suggestion.

Optuna's TPE ranks PRUNED trials by (step, value) below every COMPLETE one, and takes RUNNING ones for bad (constant
liar). A trial that waits at a rung is RUNNING in the ledger, yet it has a score to learn from. So each suggestion is
asked of a study in memory, into which trials are copied as the sampler should see them; the history is capped, because
TPE's time grows with it. The sampler's seed depends on (seed, trial number, attempt) alone: a resumed search suggests
what the undisturbed one would have.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

CAP = 400


@dataclass(frozen=True)
class Suggester:
    """sampler: "tpe" or "random". startup: trials before TPE models. view: how unfinished trials look to TPE:

    "pruned"    PRUNED at their last step, below all complete ones (Optuna's own ranking)
    "complete"  COMPLETE with their last score, whatever its fidelity (what stock Ray Tune tells)
    """

    sampler: str
    seed: int
    startup: int
    view: str = "pruned"

    def ask(self, history: list[FrozenTrial], number: int, attempt: int) -> Trial:
        """A trial of the in-memory study to call a space with."""
        study = optuna.create_study(direction="maximize", sampler=self._build(number, attempt))
        study.add_trials([seen for t in capped(history) if (seen := self._seen(t)) is not None])
        return study.ask()

    def _seen(self, trial: FrozenTrial) -> FrozenTrial | None:
        scores = {s: v for s, v in trial.intermediate_values.items() if not math.isnan(v)}
        fixed: dict[str, Any] = {"params": trial.params, "distributions": trial.distributions}
        if trial.state == TrialState.COMPLETE:
            return create_trial(state=TrialState.COMPLETE, value=trial.value, **fixed)
        if trial.state == TrialState.FAIL or not trial.params:
            return None
        if not trial.intermediate_values:
            return create_trial(state=TrialState.RUNNING, **fixed)
        if self.view == "complete":
            worst = 0.0
            return create_trial(state=TrialState.COMPLETE, value=scores[max(scores)] if scores else worst, **fixed)
        return create_trial(state=TrialState.PRUNED, intermediate_values=scores, **fixed)

    def _build(self, number: int, attempt: int) -> optuna.samplers.BaseSampler:
        """TPE with grouped conditional spaces (Watanabe 2023), or random."""
        seed = int(np.random.SeedSequence((self.seed, number, attempt)).generate_state(1)[0])
        if self.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # `group`; pinned and tested
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=self.startup, multivariate=True, group=True, constant_liar=True
            )


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
