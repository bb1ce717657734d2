"""A run: one experiment, the trials on it, and the ensembles of those trials."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from trainable.config import TrialConfig
from trainable.data.folds import Folds
from trainable.data.manifest import Manifest
from trainable.data.pseudo_labels import without_pseudo
from trainable.errors import InputError
from trainable.files import is_partial, read_json, write_atomic, write_text
from trainable.images.store import ImageStore
from trainable.run.ensemble import EnsembleFolder
from trainable.run.experiment import Experiment
from trainable.run.inputs import keep, kept
from trainable.run.records import RunInfo, read_record, versions, write_record
from trainable.run.search_record import SearchRecord, read_search_record, write_search_record
from trainable.run.trial import Trial

SCHEMA = 2
METRIC = "macro_f1"


@dataclass(frozen=True)
class Run:
    """A run directory, begun or not. `root` is made absolute: trials change their working directory."""

    root: Path

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self.root,)  # what was read of it does not travel to other processes

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.expanduser().absolute())

    @classmethod
    def open(cls, root: Path) -> Self:
        """A run that was begun; InputError when the folder is none, or of another version."""
        run = cls(root)
        _ = run.info
        return run

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def begun(self) -> bool:
        return self._info.is_file()

    def begin(
        self, experiment: Experiment, *, command: Sequence[str], settings: dict[str, Any], space: str = ""
    ) -> None:
        """Write the run's files, experiment.json last. space: text of the space file, where a search begins."""
        manifest, folds = experiment.manifest, experiment.folds
        labelled, own = without_pseudo(manifest, folds)
        if space:
            write_text(self.space, space)
        write_atomic(self._manifest, lambda p: manifest.frame.to_parquet(p, index=False))
        table = pd.DataFrame({"fold": folds.fold, "scored": folds.scored})
        write_atomic(self._folds, lambda p: table.to_parquet(p, index=False))
        info = RunInfo(
            schema=SCHEMA,
            command=list(command),
            versions=versions(),
            seed=experiment.seed,
            metric=METRIC,
            data=str(manifest.root),
            layout=manifest.layout,
            classes=manifest.classes,
            folds=folds.count,
            store_size=experiment.store_size,
            weights=experiment.weights,
            skipped_images=experiment.skipped,
            data_fingerprint=labelled.fingerprint(),
            folds_fingerprint=own.fingerprint(),
            pseudo=experiment.pseudo,
            settings=settings,
        )
        write_record(self._info, info)

    @cached_property
    def info(self) -> RunInfo:
        """experiment.json; InputError when the folder is no run, or one of another version."""
        if not self.begun:
            raise InputError(f"no run: received {self.root}; allowed: a folder that search.run or trainable.train made")
        then = read_json(self._info)
        if then.get("schema") != SCHEMA:
            version = then.get("versions", {}).get("foldvote", "an earlier version")
            raise InputError(
                f"{self.root} was written by foldvote {version}, in a form that this one no longer reads: received "
                f"schema {then.get('schema')}; allowed: {SCHEMA}, so search again"
            )
        return read_record(RunInfo, self._info)

    @property
    def settings(self) -> dict[str, Any]:
        """SEARCH as the run began with it, field by field."""
        return self.info.settings

    @cached_property
    def experiment(self) -> Experiment:
        """The data, folds and images as the run was begun with them."""
        info = self.info
        table = pd.read_parquet(self._folds)
        return Experiment(
            Manifest(Path(info.data), info.layout, pd.read_parquet(self._manifest), info.classes),
            Folds(table["fold"].to_numpy(np.int8), table["scored"].to_numpy(bool), info.folds),
            info.store_size,
            info.seed,
            info.weights,
            info.skipped_images,
            info.pseudo,
        )

    @property
    def manifest(self) -> Manifest:
        return self.experiment.manifest

    @property
    def folds(self) -> Folds:
        return self.experiment.folds

    @property
    def store(self) -> ImageStore:
        return self.experiment.store

    def identify(self, config: TrialConfig) -> str:
        """The id of a trial of this run with that configuration; the only place where one is made."""
        return config.trial_id(self.experiment.folds_fingerprint)

    def keep_inputs(self, configs: Iterable[TrialConfig]) -> None:
        """Copy the files that these configurations name, as they are now."""
        for config in configs:
            keep(config.to_dict(), self.root)

    def kept_input(self, path: str) -> str:
        """The copy of a file that was named when the run first used it; the path itself where there is none."""
        return kept(path, self.root)

    def trial(self, trial_id: str) -> Trial:
        return Trial(self, trial_id)

    def trials(self) -> list[Trial]:
        """Every trial that was begun, by id."""
        return [Trial(self, p.name) for p in sorted((self.root / "trials").glob("*")) if p.is_dir()]

    def ensemble(self, name: str) -> EnsembleFolder:
        return EnsembleFolder(self.root / "ensembles" / name)

    def ensembles(self) -> list[EnsembleFolder]:
        """Those whose build was finished, the latest last."""
        found = [EnsembleFolder(p) for p in (self.root / "ensembles").glob("*") if EnsembleFolder(p).built]
        return sorted(found, key=lambda e: e.summary_file.stat().st_mtime)

    @property
    def space(self) -> Path:
        """The space file as it was run."""
        return self.root / "space.py"

    @property
    def study(self) -> Path:
        """Optuna's journal, the ledger of the search."""
        return self.root / "study.log"

    @property
    def search_record(self) -> Path:
        """What the search leaves for reports: the course of every trial, rungs, importances."""
        return self.root / "search.json"

    def search(self) -> SearchRecord | None:
        """The record that its search left, None where it had none or has not written it yet."""
        return read_search_record(self.search_record) if self.search_record.is_file() else None

    def write_search(self, record: SearchRecord) -> None:
        write_search_record(self.search_record, record)

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def owner(self) -> Path:
        """The token of the driver that owns the run; workers of an earlier one no longer write."""
        return self.root / "owner"

    @property
    def leaderboard(self) -> Path:
        return self.root / "leaderboard.csv"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def ray(self) -> Path:
        return self.root / "ray"

    @property
    def tensorboard(self) -> Path:
        return self.root / "tb"

    @property
    def born(self) -> int:
        """When the run was begun (nanoseconds): tells it from an earlier one of the same name."""
        return self._info.stat().st_mtime_ns

    def strangers(self) -> list[str]:
        """Names in the folder that no begin leaves there, however it was cut off; the folder may be missing."""
        own = {p.name for p in (self.space, self._manifest, self._folds, self.lock)}
        found = sorted(p.name for p in self.root.iterdir()) if self.root.is_dir() else []
        return [name for name in found if name not in own and not is_partial(name)]

    def forget(self) -> None:
        """Delete what a begin wrote that came to nothing, and the folder when nothing else lies there."""
        assert not self.begun
        for path in list(self.root.iterdir()):
            if path.name not in self.strangers():
                path.unlink()
        with suppress(OSError):
            self.root.rmdir()

    @property
    def _info(self) -> Path:
        return self.root / "experiment.json"

    @property
    def _manifest(self) -> Path:
        return self.root / "manifest.parquet"

    @property
    def _folds(self) -> Path:
        return self.root / "folds.parquet"


def newest_run(folder: Path) -> Path | None:
    """The run below `folder` that was begun last."""
    found = [run for p in folder.glob("*") if (run := Run(p)).begun]
    return max(found, key=lambda run: run.born).root if found else None
