"""An experiment: the data, folds and decoded images that all trials of a run share."""

import importlib.metadata
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trainable.data.folds import Folds, make_folds, missing_classes
from trainable.data.layouts import read_manifest
from trainable.data.manifest import Manifest, few
from trainable.data.pseudo_labels import without_pseudo
from trainable.errors import InputError
from trainable.files import read_json, write_atomic, write_json
from trainable.images.store import ImageStore, open_store
from trainable.run.paths import RunPaths

SCHEMA = 1
METRIC = "macro-F1 over original labels, zero_division 0, pooled over out-of-fold predictions"


@dataclass(frozen=True)
class Experiment:
    """What `train` needs beside a configuration. Made by `prepare`, reopened by `open_experiment`."""

    paths: RunPaths
    manifest: Manifest
    folds: Folds
    store_size: tuple[int, int]
    seed: int
    weights: dict[str, str]  # backbone -> safetensors file of its pretrained weights
    skipped: tuple[str, ...] = ()  # unreadable images that were left out on request
    pseudo: dict[str, Any] | None = None  # where the manifest's pseudo labels come from

    @cached_property
    def store(self) -> ImageStore:
        return open_store(self.manifest.root, self.manifest.frame["image"], self.store_size)

    @cached_property
    def place(self) -> np.ndarray:
        """int64[N]: the row of the store for each row of the manifest."""
        return self.store.rows(self.manifest.frame["image"])


def prepare(
    data: Path,
    paths: RunPaths,
    *,
    folds: int,
    seed: int,
    store_size: tuple[int, int],
    skip_bad_images: bool = False,
    weights: dict[str, str] | None = None,
    say: Callable[[str], None] = print,
) -> Experiment:
    """Read and check the data, decode it, make the folds; nothing is written to the run directory yet."""
    manifest = read_manifest(data)
    store = open_store(manifest.root, manifest.frame["image"], store_size)
    if store.bad and not skip_bad_images:
        raise InputError(
            f"unreadable or truncated images below {manifest.root}: received {len(store.bad)}: "
            f"{', '.join(store.bad)}; allowed: mend them, or --skip-bad-images to train without them"
        )
    if store.bad:
        say(f"warning: training without {len(store.bad)} unreadable images: {few(list(store.bad))}")
        manifest = manifest.drop(list(store.bad))
    made = make_folds(manifest, folds, seed)
    for sentence in missing_classes(manifest, made):
        say(f"warning: {sentence}")
    return Experiment(paths, manifest, made, store_size, seed, weights or {}, store.bad)


def save_experiment(experiment: Experiment, command: list[str], settings: dict[str, Any]) -> None:
    """Write the experiment's files; experiment.json last.

    Its fingerprints are of the labelled data, so that runs with and without pseudo labels may vote together.
    """
    paths, manifest, folds = experiment.paths, experiment.manifest, experiment.folds
    labelled, own = without_pseudo(manifest, folds)
    write_atomic(paths.manifest, lambda p: manifest.frame.to_parquet(p, index=False))
    table = pd.DataFrame({"fold": folds.fold, "scored": folds.scored})
    write_atomic(paths.folds, lambda p: table.to_parquet(p, index=False))
    write_json(
        paths.experiment,
        {
            "schema": SCHEMA,
            "command": command,
            "versions": versions(),
            "seed": experiment.seed,
            "metric": METRIC,
            "data": str(manifest.root),
            "layout": manifest.layout,
            "classes": manifest.classes,
            "folds": folds.count,
            "store_size": experiment.store_size,
            "weights": experiment.weights,
            "skipped_images": experiment.skipped,
            "data_fingerprint": labelled.fingerprint(),
            "folds_fingerprint": own.fingerprint(),
            "pseudo": experiment.pseudo,
            "settings": settings,
        },
    )


def open_experiment(run: Path) -> Experiment:
    """The experiment of a run directory, as it was prepared."""
    paths = RunPaths(run)
    info = read_info(paths)
    frame = pd.read_parquet(paths.manifest)
    table = pd.read_parquet(paths.folds)
    manifest = Manifest(Path(info["data"]), info["layout"], frame, tuple(info["classes"]))
    folds = Folds(table["fold"].to_numpy(np.int8), table["scored"].to_numpy(bool), info["folds"])
    return Experiment(
        paths,
        manifest,
        folds,
        tuple(info["store_size"]),
        info["seed"],
        info["weights"],
        tuple(info["skipped_images"]),
        info.get("pseudo"),
    )


def read_info(paths: RunPaths) -> dict[str, Any]:
    """experiment.json; InputError when the folder is no run."""
    if not paths.experiment.is_file():
        raise InputError(f"no run: received {paths.root}; allowed: a folder with experiment.json, as search.run writes")
    info = read_json(paths.experiment)
    if info["schema"] != SCHEMA:
        raise InputError(f"{paths.experiment}: received schema {info['schema']}; allowed: {SCHEMA}")
    return info


def versions() -> dict[str, str]:
    names = (
        "torch",
        "timm",
        "albumentations",
        "opencv-python-headless",
        "ray",
        "optuna",
        "numpy",
        "scikit-learn",
    )
    found = {"python": sys.version.split()[0]}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
