"""The ledger: Optuna's journal is the truth about a search; Ray only executes.

Every suggestion, score and ending is in study.log before it has consequences, so a search that was killed at any
moment is rebuilt from it.
"""

import json
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from trainable.files import cut_to_last_line

STUDY = "foldvote"
ID = "trial_id"
DUPLICATE = "duplicate_of"
REASON = "reason"
SCORE = "oof_macro_f1"


@dataclass
class Ledger:
    """Ask and tell on the journal. Trials are named by their trial_id, the hash of the resolved configuration."""

    study: optuna.Study
    make_sampler: Callable[[int], optuna.samplers.BaseSampler]  # by trial number
    numbers: dict[str, int] = field(default_factory=dict)  # trial_id -> Optuna's own id of a trial

    def __post_init__(self) -> None:
        for frozen in self.trials():
            if ID in frozen.user_attrs:
                self.numbers[frozen.user_attrs[ID]] = frozen._trial_id

    @classmethod
    def open(cls, path: Path, *, seed: int, sampler: str, startup: int, first: tuple[dict[str, Any], ...]) -> "Ledger":
        """Open or begin a journal. The caller holds the run's lock, so a lock file that lies here is stale."""
        assert path.is_absolute(), "with a relative path a stale lock is never found out"
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        fresh = not path.exists()
        cut_to_last_line(path)
        path.with_name(path.name + ".lock").unlink(missing_ok=True)
        backend = JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path)))
        study = optuna.create_study(
            storage=JournalStorage(backend), study_name=STUDY, direction="maximize", load_if_exists=True
        )
        if fresh:
            for parameters in first:
                study.enqueue_trial(parameters)
        return cls(study, lambda number: build_sampler(sampler, seed=_mix(seed, number), startup=startup))

    def ask(self) -> Trial:
        """A new suggestion. The sampler's seed depends on (seed, trial number): a resumed search suggests the same."""
        number = len(self.trials())
        waiting = next((t.number for t in self.trials() if t.state == TrialState.WAITING), None)
        self.study.sampler = self.make_sampler(number if waiting is None else waiting)
        return self.study.ask()

    def begin(self, trial: Trial, trial_id: str) -> None:
        """Name a suggestion: from here on it counts as a trial."""
        trial.set_user_attr(ID, trial_id)
        self.numbers[trial_id] = trial._trial_id

    def report(self, trial_id: str, step: int, score: float) -> bool:
        """Write a score; False when the ledger has it already (a restarted trial tells its story again)."""
        frozen = self.find(trial_id)
        if step in frozen.intermediate_values:
            return False
        self._live(frozen).report(score, step)
        return True

    def stop(self, trial_id: str, reason: str) -> None:
        """Stopped by the race: PRUNED at its step, never COMPLETE with a low-fidelity value."""
        trial = self._live(self.find(trial_id))
        trial.set_user_attr(REASON, reason)
        self.study.tell(trial, state=TrialState.PRUNED)

    def complete(self, trial_id: str, score: float) -> None:
        self.study.tell(self._live(self.find(trial_id)), score)

    def fail(self, trial_id: str, reason: str) -> None:
        trial = self._live(self.find(trial_id))
        trial.set_user_attr(REASON, reason)
        self.study.tell(trial, state=TrialState.FAIL)

    def refuse(self, trial: Trial, reason: str) -> None:
        """A suggestion that is no valid configuration: FAIL, never named, so it does not count as a trial."""
        trial.set_user_attr(REASON, reason)
        self.study.tell(trial, state=TrialState.FAIL)

    def answer_duplicate(self, trial: Trial, trial_id: str) -> None:
        """Tell a repeated suggestion what is known of its twin; one that still runs has no answer yet."""
        twin = self.find(trial_id)
        trial.set_user_attr(DUPLICATE, trial_id)
        if twin.state == TrialState.COMPLETE:
            self.study.tell(trial, twin.value)
        elif twin.state == TrialState.PRUNED:
            for step, value in twin.intermediate_values.items():
                trial.report(value, step)
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, state=TrialState.FAIL)

    def drop_unnamed(self) -> None:
        """Fail suggestions that a crash cut off before they had a trial_id."""
        for frozen in self.trials():
            if frozen.state == TrialState.RUNNING and ID not in frozen.user_attrs:
                self.study.tell(self._live(frozen), state=TrialState.FAIL)

    def trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def named(self) -> dict[str, FrozenTrial]:
        """Trials that count, by trial_id, in the order they were suggested; duplicates do not."""
        return {t.user_attrs[ID]: t for t in self.trials() if ID in t.user_attrs}

    def find(self, trial_id: str) -> FrozenTrial:
        return self.study._storage.get_trial(self.numbers[trial_id])

    def _live(self, frozen: FrozenTrial) -> Trial:
        return Trial(self.study, frozen._trial_id)


def build_sampler(name: str, *, seed: int, startup: int) -> optuna.samplers.BaseSampler:
    """TPE with grouped conditional spaces (Watanabe 2023), or random."""
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # `group`; pinned and tested
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=startup, multivariate=True, group=True, constant_liar=True
        )


def last_score(frozen: FrozenTrial) -> tuple[int, float] | None:
    """(step, score) of a trial's last report; NaN where the network had diverged."""
    if not frozen.intermediate_values:
        return None
    step = max(frozen.intermediate_values)
    value = frozen.intermediate_values[step]
    return step, math.nan if value is None else value


def parameters(frozen: FrozenTrial) -> dict[str, Any]:
    """Parameters as a table holds them: plain values, tuples as text."""
    return {k: json.dumps(v) if isinstance(v, list | tuple) else v for k, v in frozen.params.items()}


def _mix(seed: int, number: int) -> int:
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
