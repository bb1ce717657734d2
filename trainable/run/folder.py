"""A run's own folder: its files, and the experiment that they describe."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from trainable.data.attributes import Attributes
from trainable.data.flags import Taken
from trainable.data.folds import Folds
from trainable.data.manifest import Manifest
from trainable.errors import InputError, no_run
from trainable.files import read_json
from trainable.images.store import ImageStore
from trainable.metrics import Asked, Metric, get
from trainable.run.experiment import Experiment
from trainable.run.inputs import kept
from trainable.run.metric import recorded_metric
from trainable.run.records import RunInfo, read_record
from trainable.run.ways import Ways

SCHEMA = 5


@dataclass(frozen=True)
class RunFolder:
    """What a trial knows of its run. `root` is made absolute: trials change their working directory."""

    root: Path

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self.root,)  # what was read of it does not travel to other processes

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.expanduser().absolute())

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def begun(self) -> bool:
        return self.info_file.is_file()

    @cached_property
    def info(self) -> RunInfo:
        """experiment.json; InputError when the folder is no run, or one of another version."""
        if not self.begun:
            raise no_run(self.root)
        then = read_json(self.info_file)
        if then.get("schema") != SCHEMA:
            version = then.get("versions", {}).get("foldvote", "an earlier version")
            raise InputError(
                f"{self.root} was written by foldvote {version}, in a form that this one no longer reads: received "
                f"schema {then.get('schema')}; allowed: {SCHEMA}, so search again"
            )
        return read_record(RunInfo, self.info_file)

    @property
    def settings(self) -> dict[str, Any]:
        """SEARCH as the run began with it, field by field."""
        return self.info.settings

    @cached_property
    def metric(self) -> Asked:
        """What scores of the run are, as `trainable.metrics.get` takes it; InputError where a function is gone."""
        return recorded_metric(self.info.metric, self.space)

    def measure(self, classes: Sequence[str] | None = None) -> Metric:
        """The metric over classes of these names, by default the run's own."""
        return replace(get(self.metric, self.info.classes if classes is None else classes), name=self.info.metric)

    @cached_property
    def made_of(self) -> Attributes:
        """What classes are made of."""
        return Attributes.from_dict(self.info.attributes)

    @cached_property
    def experiment(self) -> Experiment:
        """The data, folds and images as the run was begun with them."""
        info = self.info
        table = pd.read_parquet(self.folds_file)
        return Experiment(
            Manifest(
                Path(info.data),
                info.layout,
                pd.read_parquet(self.manifest_file),
                info.classes,
                Taken.from_dict(info.input),
                self.made_of,
            ),
            Folds(table["fold"].to_numpy(np.int8), table["scored"].to_numpy(bool), info.folds),
            info.store_size,
            info.seed,
            info.weights,
            info.skipped_images,
            info.pseudo,
            info.content,
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

    def kept_input(self, path: str) -> str:
        """The copy of a file that was named when the run first used it; the path itself where there is none."""
        return kept(path, self.root)

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

    @property
    def ways(self) -> Ways:
        """How networks of the run are called in training."""
        return Ways(self.root / "ways.json")

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
    def heads(self) -> Path:
        """A run on the same experiment, of the heads that builds fit; may be missing."""
        return self.root / "heads"

    @property
    def heads_lock(self) -> Path:
        return self.root / "heads.lock"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def ray(self) -> Path:
        return self.root / "ray"

    @property
    def tensorboard(self) -> Path:
        return self.root / "tb"

    def events(self, trial_id: str) -> Path | None:
        """The folder of a trial's TensorBoard events, whose name ends with its id; None where it has none."""
        return next((folder for folder in self.tensorboard.glob(f"*{trial_id}") if folder.is_dir()), None)

    @property
    def born(self) -> int:
        """When the run was begun (nanoseconds): tells it from an earlier one of the same name."""
        return self.info_file.stat().st_mtime_ns

    @property
    def info_file(self) -> Path:
        return self.root / "experiment.json"

    @property
    def manifest_file(self) -> Path:
        return self.root / "manifest.parquet"

    @property
    def folds_file(self) -> Path:
        return self.root / "folds.parquet"
