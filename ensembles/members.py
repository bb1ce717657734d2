"""Members: complete trials of one or several runs as one array of out-of-fold predictions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainable.data.labels import SIZES
from trainable.errors import InputError
from trainable.experiment import open_experiment, read_info
from trainable.files import read_npz
from trainable.store import RunPaths, TrialPaths


@dataclass(frozen=True)
class Member:
    run: RunPaths
    trial: TrialPaths
    oof_macro_f1: float

    @property
    def name(self) -> str:
        return f"{self.run.root.name}/{self.trial.root.name}"


@dataclass(frozen=True)
class Members:
    """probabilities float32 [T, N, C]; labels int64[N]; fold int8[N]; groups str[N]; rows int64[N] of the manifest."""

    members: list[Member]
    probabilities: np.ndarray
    labels: np.ndarray
    fold: np.ndarray
    groups: np.ndarray
    rows: np.ndarray
    classes: tuple[str, ...]
    attributes: tuple[int, ...]
    data: Path


def load_members(runs: Sequence[Path], *, score: Callable[[np.ndarray, np.ndarray, int], float]) -> Members:
    """All complete trials of the runs; they must share data, folds and classes. InputError says what does not fit."""
    paths = [RunPaths(r) for r in runs]
    infos = [read_info(p) for p in paths]
    for key in ("data_fingerprint", "folds_fingerprint", "classes"):
        odd = next((p for p, i in zip(paths, infos, strict=True) if i[key] != infos[0][key]), None)
        if odd is not None:
            raise InputError(
                f"runs differ in {key}: received {paths[0].root} and {odd.root}; "
                "allowed: runs on the same data and folds"
            )
    complete = [(run, trial) for run in paths for trial in run.trials() if trial.finished]
    if not complete:
        raise InputError(
            f"no complete trials: received {', '.join(str(p.root) for p in paths)}; allowed: a run with at least one "
            "trial that finished all folds (python -m search.run SPACE --resume, or more --trials)"
        )
    experiment = open_experiment(paths[0].root)
    tables = [read_npz(trial.oof) for _, trial in complete]
    first = tables[0]
    for (_, trial), table in zip(complete, tables, strict=True):
        if not np.array_equal(table["index"], first["index"]) or not np.array_equal(table["label"], first["label"]):
            raise InputError(f"{trial.oof}: its rows or labels differ from {complete[0][1].oof}; allowed: the same")
    classes = tuple(first["classes"].tolist())
    members = [
        Member(run, trial, score(t["label"], t["probabilities"].argmax(1), len(classes)))
        for (run, trial), t in zip(complete, tables, strict=True)
    ]
    return Members(
        members,
        np.stack([t["probabilities"] for t in tables]),
        first["label"],
        first["fold"],
        experiment.manifest.frame["group"].to_numpy(str)[first["index"]],
        first["index"],
        classes,
        SIZES if experiment.manifest.attributes else (),
        experiment.manifest.root,
    )
