"""Everything a report tells, read once from the run directory; nothing there is changed."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial

from ensembles.built import read_built
from ensembles.greedy import greedy_selection
from search.ledger import read_trials
from search.race import Race
from trainable.data.rows import target_classes, target_labels
from trainable.errors import InputError
from trainable.files import read_json, read_npz
from trainable.metrics import macro_f1
from trainable.run.experiment import Experiment, open_experiment, read_info
from trainable.run.paths import EnsemblePaths, RunPaths

MOST, MEMORY = 40, 2e9  # complete trials whose predictions are held, the best ones; their bytes


@dataclass(frozen=True)
class Complete:
    """A complete trial: `probabilities` float32 [N, C] of the scored rows."""

    trial: str
    config: dict[str, Any]
    result: dict[str, Any]
    probabilities: np.ndarray

    @property
    def score(self) -> float:
        return float(self.result["oof_macro_f1"])


@dataclass(frozen=True)
class Facts:
    """`rows` int64[N] of the manifest: the scored ones. `trials`: those of the ledger, as they were suggested."""

    paths: RunPaths
    info: dict[str, Any]
    experiment: Experiment
    trials: dict[str, FrozenTrial]
    complete: list[Complete]  # best first, at most MOST
    rows: np.ndarray
    fold: np.ndarray
    target: str

    @property
    def search(self) -> dict[str, Any]:
        """The settings of the search, as experiment.json has them."""
        return self.info["settings"]

    @property
    def epochs(self) -> int:
        return int(self.search["epochs"])

    @property
    def folds(self) -> int:
        return int(self.info["folds"])

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(target_classes(self.experiment.manifest, self.target))

    @cached_property
    def labels(self) -> np.ndarray:
        """int64[N]: the original labels of `rows`."""
        return target_labels(self.experiment.manifest, self.target)[self.rows]

    @cached_property
    def attributes(self) -> bool:
        """Whether a label is a product of mask, gender and age."""
        return self.target == "joint" and bool(self.experiment.manifest.attributes)

    @cached_property
    def race(self) -> Race:
        """The rungs as the ledger rebuilds them."""
        s = self.search
        names = ("grace", "eta", "members", "rule", "margin")
        race = Race(self.epochs, self.folds, int(s["trials"]), **{n: s[n] for n in names if n in s})
        for trial_id, frozen in self.trials.items():
            for step, value in sorted(frozen.intermediate_values.items()):
                race.record(trial_id, step, np.nan if value is None else value)
        return race

    @cached_property
    def first_rung(self) -> dict[str, float]:
        """What the first rung ranks every trial by that reached it: the one fidelity that nearly all trials share."""
        held = next(iter(self.race.rungs.values())) if self.trials else {}
        return {t: v for t, v in held.items() if np.isfinite(v)}

    @cached_property
    def newest(self) -> Path | None:
        """Folder of the ensemble that was built last."""
        found = list((self.paths.root / "ensembles").glob("*/ensemble.json"))
        return max(found, key=lambda p: p.stat().st_mtime).parent if found else None

    @cached_property
    def ensemble(self) -> dict[str, Any] | None:
        """Its ensemble.json, None when none was built."""
        return read_json(EnsemblePaths(self.newest).summary) if self.newest else None

    @cached_property
    def weights(self) -> dict[str, float]:
        """Weight of each voting trial of this run: the newest ensemble's, or greedy selection's when there is none."""
        own = {c.trial for c in self.complete}
        if self.ensemble is not None:
            given = {m["trial"]: float(m["weight"]) for m in self.ensemble["members"] if m["trial"] in own}
            if given:
                return {t: w / sum(given.values()) for t, w in given.items()}
        if not self.complete:
            return {}
        chosen = greedy_selection(np.stack([c.probabilities for c in self.complete]), self.labels)
        return {c.trial: float(w) for c, w in zip(self.complete, chosen.weights, strict=True) if w > 0}

    @cached_property
    def vote(self) -> np.ndarray:
        """float32 [N, C], rows summing to 1: what the ensemble makes of its members' out-of-fold probabilities.

        Where it has members that are no trials of this run: the weighted mean of those that are.
        """
        of = {c.trial: c.probabilities for c in self.complete}
        if self.newest is not None:
            with suppress(InputError):  # a run that it was built on is gone
                built = read_built(self.newest)
                names = [m.trial.root.name for m in built.members]
                if all(name in of and not m.times for name, m in zip(names, built.members, strict=True)):
                    return built.vote(np.stack([of[name] for name in names])).astype(np.float32)
        return np.asarray(np.sum([w * of[t] for t, w in self.weights.items()], axis=0, dtype=np.float32))

    @cached_property
    def vote_score(self) -> float:
        return macro_f1(self.labels, self.vote.argmax(1), len(self.classes))

    def voters(self) -> dict[str, np.ndarray]:
        """Predictions float32 [N, C] that charts compare: the best single trial's and the vote's."""
        if not self.complete:
            return {}
        return {f"best single ({self.complete[0].trial})": self.complete[0].probabilities, "vote": self.vote}


def read_facts(run: Path) -> Facts:
    """InputError when the folder is no run."""
    paths = RunPaths(run)
    info = read_info(paths)
    experiment = open_experiment(paths.root)
    rows = np.flatnonzero(experiment.folds.scored & (experiment.folds.fold >= 0))
    finished = [(t, read_json(t.result)) for t in paths.trials() if t.finished]
    finished.sort(key=lambda item: -(item[1]["oof_macro_f1"] or 0.0))
    most = min(MOST, max(1, int(MEMORY / (4 * len(rows) * len(info["classes"])))))
    complete = [Complete(t.root.name, read_json(t.config), r, _predictions(t.oof, rows)) for t, r in finished[:most]]
    target = str(complete[0].config.get("target", "joint")) if complete else str(info.get("target", "joint"))
    trials, fold = read_trials(paths.study), experiment.folds.fold[rows].astype(int)
    return Facts(paths, info, experiment, trials, complete, rows, fold, target)


def _predictions(path: Path, rows: np.ndarray) -> np.ndarray:
    table = read_npz(path)
    assert np.array_equal(table["index"], rows), f"{path} does not hold the scored rows"
    return table["probabilities"]
