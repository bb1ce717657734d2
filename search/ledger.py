"""The ledger: Optuna's journal is the truth about a search; Ray only executes.

Every suggestion, score and ending is in study.log before it has consequences, so a search that was killed at any
moment is rebuilt from it.
"""

import json
import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from search.sampler.own import KEPT, written
from search.suggested import thawed
from trainable.files import cut_to_last_line

STUDY = "foldvote"
ID = "trial_id"
APART = "apart"  # what a trial is that is none of the search's own: RETRAINED or FEATURES
SEED_OF = "seed_of"  # the trial that one repeats with another seed, in place of a suggestion
RETRAINED = "retrained"  # after the search, with another seed; also the attribute that names the first trial
FEATURES = "features"  # a head on frozen features, before the search; also the attribute that says on what
REASON = "reason"
QUEUED = "fixed_params"  # Optuna's own name for what a queued trial asks for
STATES = {  # Optuna's, in our words
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}
FROM = "from"  # the run that a trial was taken over from


@dataclass
class Ledger:
    """The journal's study. Trials are named by their trial_id, the hash of the resolved configuration.

    It shows the trials of the search, or those of one kind that are `apart` from it: these neither race nor teach the
    sampler nor count as trials of the search.
    """

    study: optuna.Study
    apart: str = ""
    numbers: dict[str, int] = field(init=False)  # trial_id -> Optuna's own id of the trial
    # trial_id of what somebody asked for (SEARCH.first, search.queue), and of other seeds -> whose seed, "" for none
    asked_for: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        trials = [t for t in self.trials() if ID in t.user_attrs]
        self.numbers = {t.user_attrs[ID]: t._trial_id for t in trials}
        asked = (t for t in trials if QUEUED in t.system_attrs or SEED_OF in t.user_attrs)
        self.asked_for = {t.user_attrs[ID]: t.user_attrs.get(SEED_OF, "") for t in asked}

    @classmethod
    def open(cls, path: Path, *, first: tuple[dict[str, Any], ...] = (), apart: str = "", shown: str = "") -> "Ledger":
        """Open or begin a journal; `first` are parameters to try before any suggestion, `shown` names the score.

        The caller holds the run's lock, so a lock file that lies beside the journal is stale.
        """
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
            _tell_other_tools(study, shown)
            for values in first:
                study.enqueue_trial(values)
        return cls(study, apart)

    def queued(self) -> int:
        """How many configurations wait."""
        return len(self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def waiting(self) -> Trial | None:
        """A configuration that somebody queued (SEARCH.first, or from beside a running search), now RUNNING."""
        queued = self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        if not queued:
            return None
        self.study.sampler = optuna.samplers.RandomSampler(seed=queued[0].number)  # for what it leaves open
        asked = self.study.ask()
        asked._fixed_params = {name: thawed(value) for name, value in asked._fixed_params.items()}
        return asked

    def add(self, asked: Trial, trial_id: str) -> None:
        """Write a suggestion down as RUNNING: from here on it counts as a trial."""
        if asked.study is self.study:
            asked.set_user_attr(ID, trial_id)
            self.numbers[trial_id] = asked._trial_id
            self.asked_for[trial_id] = ""
            return
        attributes, counts = written(asked)
        made = create_trial(
            state=TrialState.RUNNING,
            params=asked.params,
            distributions=asked.distributions,
            user_attrs={**asked.user_attrs, ID: trial_id, **({KEPT: counts} if counts else {})},
            system_attrs=attributes,
        )
        self._add(trial_id, made)

    def _add(self, trial_id: str, made: FrozenTrial) -> None:
        self.study.add_trial(made)
        # Somebody may have queued a configuration in the meantime: ours need not be the last.
        self.numbers[trial_id] = next(t._trial_id for t in reversed(self.trials()) if t.user_attrs.get(ID) == trial_id)

    def take(self, trial_id: str, frozen: FrozenTrial, distributions: dict[str, Any], run: str) -> None:
        """Write down a trial that an earlier run has finished, as it ended there."""
        made = create_trial(
            state=frozen.state,
            value=frozen.value,
            params=frozen.params,
            distributions=distributions,
            intermediate_values=frozen.intermediate_values,
            user_attrs={**frozen.user_attrs, ID: trial_id, FROM: run},
        )
        self._add(trial_id, made)

    @property
    def taken(self) -> int:
        """Trials of earlier runs, which do not count as trials of this search."""
        return sum(FROM in t.user_attrs for t in self.trials())

    def add_apart(self, trial_id: str, of: str, source: FrozenTrial | None = None) -> None:
        """Write a trial of the kind that is shown down as RUNNING.

        of: the trial it repeats, or the features it is fitted to. source: whose parameters it has.
        """
        assert self.apart
        self._add_like(source, trial_id, {APART: self.apart, self.apart: of})

    def repeat(self, trial_id: str, of: str) -> None:
        """Write another seed of a trial of the search down as RUNNING: it counts as a trial."""
        self._add_like(self.find(of), trial_id, {SEED_OF: of})
        self.asked_for[trial_id] = of

    def _add_like(self, source: FrozenTrial | None, trial_id: str, attributes: dict[str, str]) -> None:
        made = create_trial(
            state=TrialState.RUNNING,
            params=source.params if source else {},
            distributions=source.distributions if source else {},
            user_attrs={ID: trial_id, **attributes},
        )
        self._add(trial_id, made)

    def report(self, trial_id: str, step: int, score: float) -> bool:
        """Write a score; False when the ledger has it already (a restarted trial tells its story again)."""
        if step in self.find(trial_id).intermediate_values:
            return False
        self._live(trial_id).report(score, step)
        return True

    def stop(self, trial_id: str, reason: str) -> None:
        """Stopped by the race: PRUNED at its step, never COMPLETE with a low-fidelity value."""
        self._live(trial_id).set_user_attr(REASON, reason)
        self.study.tell(self._live(trial_id), state=TrialState.PRUNED)

    def complete(self, trial_id: str, score: float) -> None:
        self.study.tell(self._live(trial_id), score)

    def fail(self, trial_id: str, reason: str) -> None:
        self._live(trial_id).set_user_attr(REASON, reason)
        self.study.tell(self._live(trial_id), state=TrialState.FAIL)

    def refuse(self, asked: Trial, reason: str) -> None:
        """A queued configuration that is invalid or known already: FAIL, never named, so it does not count."""
        if asked.study is self.study:
            asked.set_user_attr(REASON, reason)
            self.study.tell(asked, state=TrialState.FAIL)

    def retry(self, trial_id: str) -> None:
        """Let a trial that failed run again: a new entry with what the old one knew stands for it from now on."""
        failed = self.find(trial_id)
        made = create_trial(
            state=TrialState.RUNNING,
            params=failed.params,
            distributions=failed.distributions,
            intermediate_values=failed.intermediate_values,
            user_attrs={k: v for k, v in failed.user_attrs.items() if k != REASON},
        )
        self._add(trial_id, made)

    def drop_unnamed(self) -> None:
        """Fail what a crash cut off before it had a trial_id; what somebody had queued is queued again."""
        for frozen in self.trials():
            if frozen.state == TrialState.RUNNING and ID not in frozen.user_attrs:
                if queued := frozen.system_attrs.get(QUEUED):
                    self.study.enqueue_trial(queued)
                self.study.tell(Trial(self.study, frozen._trial_id), state=TrialState.FAIL)

    def trials(self) -> list[FrozenTrial]:
        return [t for t in self.study.get_trials(deepcopy=False) if _kind(t) == self.apart]

    def named(self) -> dict[str, FrozenTrial]:
        """Trials that count, by trial_id, in the order they were suggested."""
        return _by_name(self.trials())

    def everything(self) -> dict[str, FrozenTrial]:
        """The search's trials and those apart from it, by trial_id."""
        return _by_name(self.study.get_trials(deepcopy=False))

    def others(self, kind: str) -> dict[str, FrozenTrial]:
        """Trials of another kind than those that are shown, by trial_id."""
        return _by_name([t for t in self.study.get_trials(deepcopy=False) if _kind(t) == kind])

    def parameters_of(self, trial_id: str) -> dict[str, Any]:
        """A trial's parameters as plain values."""
        return parameters(self.find(trial_id))

    def number_of(self, trial_id: str) -> int:
        """A trial's number as people are told it, from 1; Optuna's own begin with 0."""
        return self.find(trial_id).number + 1

    def find(self, trial_id: str) -> FrozenTrial:
        return self.study._storage.get_trial(self.numbers[trial_id])

    def _live(self, trial_id: str) -> Trial:
        return Trial(self.study, self.numbers[trial_id])


def read_trials(path: Path) -> dict[str, FrozenTrial]:
    """The search's trials by trial_id, read beside a search that may be writing; none where there was no search."""
    if not path.is_file():
        return {}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.load_study(study_name=STUDY, storage=JournalStorage(JournalFileBackend(str(path))))
    return _by_name([t for t in study.get_trials(deepcopy=False) if not _kind(t)])


def own_trials(path: Path) -> dict[str, FrozenTrial]:
    """Those that count as trials of this search: all but the ones that it took over from another run."""
    return {name: frozen for name, frozen in read_trials(path).items() if FROM not in frozen.user_attrs}


def enqueue(path: Path, values: dict[str, Any]) -> None:
    """Queue parameters into a journal, also beside a search that is running: it sees them when it next asks.

    Optuna's own lock file lets two processes append.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lock = JournalFileOpenLock(str(path))
    lock.acquire()  # nobody writes now, so a last line without an end is one that a crash tore
    try:
        cut_to_last_line(path)
    finally:
        lock.release()
    backend = JournalFileBackend(str(path), lock_obj=lock)
    optuna.load_study(study_name=STUDY, storage=JournalStorage(backend)).enqueue_trial(values)


def _kind(frozen: FrozenTrial) -> str:
    return str(frozen.user_attrs.get(APART, ""))


def _tell_other_tools(study: optuna.Study, shown: str) -> None:
    """What optuna-dashboard says instead of "Objective 0", and beside its numbers."""
    if shown:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names([shown])
    study.set_user_attr("trial numbers", "from 0 here, from 1 in foldvote's table, log and leaderboard.csv")


def _by_name(trials: list[FrozenTrial]) -> dict[str, FrozenTrial]:
    return {t.user_attrs[ID]: t for t in trials if ID in t.user_attrs}


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
