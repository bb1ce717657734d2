"""Everything a report tells, read once from the run directory; nothing there is changed."""

import math
import time
from calendar import timegm
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ensembles.ensemble import read_ensemble
from ensembles.greedy import greedy_selection
from ensembles.members import PARTIAL, Member
from ensembles.metric import shown_metric
from trainable.config import TrialConfig
from trainable.data.attributes import Attributes
from trainable.data.manifest import Manifest
from trainable.data.rows import made_of_target, target_classes, target_labels
from trainable.errors import InputError
from trainable.metrics import Metric
from trainable.run import FINISHED, EnsembleFolder, Predictions, Run, Trial, TrialResult
from trainable.run.search_record import SearchRecord, TrialCourse
from trainable.words import count

MOST, MEMORY = 40, 2e9  # complete trials whose predictions are held, the best ones; their bytes
NONE_COMPLETE = "No trial has finished all folds yet."


@dataclass(frozen=True)
class Complete:
    """A complete trial, with its probabilities float32 [N, C] of the scored rows."""

    trial: Trial
    probabilities: np.ndarray

    @property
    def id(self) -> str:
        return self.trial.id

    @property
    def config(self) -> TrialConfig:
        return self.trial.config

    @property
    def result(self) -> TrialResult:
        return self.trial.result

    @property
    def score(self) -> float:
        return self.result.oof_score


@dataclass(frozen=True)
class Facts:
    """What a run has come to.

    record: what its search left, None where it had none or has not ended once. complete: the best complete trials, best
    first, MOST at most. rows: int64[N] of the manifest, the scored ones. fold: int64[N], theirs.
    """

    run: Run
    record: SearchRecord | None
    complete: list[Complete]
    rows: np.ndarray
    fold: np.ndarray

    @property
    def manifest(self) -> Manifest:
        return self.run.manifest

    @property
    def epochs(self) -> int:
        """Of one fold."""
        return int(self.run.settings["epochs"])

    @property
    def folds(self) -> int:
        return self.run.info.folds

    @cached_property
    def measure(self) -> Metric:
        """What scores are; where it is a function that is gone, one that can only be shown."""
        with suppress(InputError):
            return self.run.measure(self.classes)
        return shown_metric(self.run.info.metric, self.classes)

    @property
    def metric(self) -> str:
        """The name of what scores are, for people."""
        return self.measure.shown

    def text(self, score: float, digits: int = 4) -> str:
        """A score for people, with its own sign."""
        return self.measure.text(score, digits)

    def read(self, score: float) -> float:
        """A score as charts show it, with its own sign."""
        return self.measure.read(score)

    @property
    def no_search(self) -> str:
        """Why there is nothing to tell of a search."""
        if self.run.study.is_file():
            return "The search leaves this when it ends."
        return "This run has no search: its trials were started by hand."

    @property
    def courses(self) -> dict[str, TrialCourse]:
        """The trials of the search in the order they were suggested."""
        return {t.trial: t for t in self.record.trials} if self.record else {}

    @cached_property
    def target(self) -> str:
        """What the trials predict: "joint", or one attribute."""
        return self.complete[0].config.target if self.complete else str(self.run.settings.get("target", "joint"))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(target_classes(self.manifest, self.target))

    @cached_property
    def labels(self) -> np.ndarray:
        """int64[N]: the original labels of `rows`."""
        return target_labels(self.manifest, self.target)[self.rows]

    @cached_property
    def made_of(self) -> Attributes:
        """The attributes that the classes which are predicted are made of."""
        return made_of_target(self.manifest, self.target)

    @cached_property
    def first_rung(self) -> dict[str, float]:
        """{trial: score} by which the first rung ranks the trials that reached it, all after as many epochs."""
        if not (self.record and self.record.rungs):
            return {}
        return {trial: score for trial, score in self.record.rungs[0].scores.items() if math.isfinite(score)}

    @cached_property
    def newest(self) -> EnsembleFolder | None:
        """The ensemble that was built last."""
        found = self.run.ensembles()
        return found[-1] if found else None

    @cached_property
    def ensemble(self) -> dict[str, Any] | None:
        """What its build wrote down, None where none was built."""
        return self.newest.summary() if self.newest else None

    @cached_property
    def partial(self) -> str:
        """What is said of a vote of a trial that is not complete; empty where there is none."""
        found = [m for m in (self.ensemble or {"members": []})["members"] if m.get("parts")]
        return "; ".join(
            f"{PARTIAL}: trial {m['trial']} votes with {len(m['parts'])} of {self.folds} folds, and "
            f"{m['missing_rows']:,} rows without an out-of-fold prediction are missing from every score"
            for m in found
        )

    @cached_property
    def outdated(self) -> str:
        """What is said of an ensemble that was built before trials were complete; empty where none came later."""
        if self.newest is None:
            return ""
        built = self.newest.summary_file.stat().st_mtime
        later = sum(timegm(time.strptime(c.result.finished_at, FINISHED)) > built for c in self.complete)
        return f"Built before {count(later, 'trial')} of this run had ended: build again." if later else ""

    @cached_property
    def built_for(self) -> Metric:
        """The metric that the newest ensemble was built for, which may be another than the run's."""
        assert self.ensemble is not None
        return shown_metric(self.ensemble["metric"], self.ensemble["classes"])

    @cached_property
    def weights(self) -> dict[str, float]:
        """{trial: weight} of this run's trials that vote: the newest ensemble's, or greedy selection's without one."""
        own = {c.id for c in self.complete}
        if self.ensemble is not None:
            given = {m["trial"]: float(m["weight"]) for m in self.ensemble["members"] if m["trial"] in own}
            if given:
                return {t: w / sum(given.values()) for t, w in given.items()}
        if not self.complete:
            return {}
        table = np.stack([c.probabilities for c in self.complete])
        chosen = greedy_selection(table, self.labels, metric=self.measure)
        return {c.id: float(w) for c, w in zip(self.complete, chosen.weights, strict=True) if w > 0}

    @cached_property
    def vote(self) -> np.ndarray:
        """float32 [N, C], rows summing to 1: what the ensemble makes of its members' out-of-fold probabilities.

        Where it has members that are no trials of this run: the weighted mean of those that are.
        """
        of = {c.id: c.probabilities for c in self.complete}
        if self.newest is not None:
            with suppress(InputError):  # a run that it was built on is gone
                ensemble = read_ensemble(self.newest.root)
                ids = [m.trial.id for m in ensemble.members if isinstance(m, Member) and not m.times]
                if ensemble.fitted.method.apply_knowing is not None:  # it looked at more than these
                    return self.newest.oof().probabilities
                if len(ids) == len(ensemble.members) and all(i in of for i in ids):
                    return ensemble.vote(np.stack([of[i] for i in ids])).astype(np.float32)
        return np.asarray(np.sum([w * of[t] for t, w in self.weights.items()], axis=0, dtype=np.float32))

    @cached_property
    def vote_score(self) -> float:
        """Of the vote, on the rows that its weights were chosen on."""
        return self.measure.score(self.labels, self.vote)

    def voters(self) -> dict[str, np.ndarray]:
        """Predictions float32 [N, C] that charts compare: the best single trial's and the vote's."""
        if not self.complete:
            return {}
        return {f"best single ({self.complete[0].id})": self.complete[0].probabilities, "vote": self.vote}


def read_facts(root: Path) -> Facts:
    """What the run directory `root` holds; raises InputError when it is no run."""
    run = Run.open(root)
    rows = np.flatnonzero(run.folds.scored & (run.folds.fold >= 0))
    finished = sorted((t for t in run.trials() if t.finished), key=_by_score)
    most = min(MOST, max(1, int(MEMORY / (4 * len(rows) * len(run.info.classes)))))
    complete = [Complete(t, _predictions(t, rows)) for t in finished[:most]]
    return Facts(run, run.search(), complete, rows, run.folds.fold[rows].astype(int))


def _by_score(trial: Trial) -> float:
    """The best first, those that diverged last."""
    score = trial.result.oof_score
    return -score if math.isfinite(score) else math.inf


def _predictions(trial: Trial, rows: np.ndarray) -> np.ndarray:
    table = Predictions.read(trial.oof_file)
    assert np.array_equal(table.index, rows), f"{trial.oof_file} does not hold the scored rows"
    return table.probabilities
