"""Which rows train, with which labels, and what is predicted.

Everything here acts on training rows. Validation rows are `Folds.valid_rows`, and their labels the manifest's: that is
what makes trials comparable.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trainable.config import RowsConfig, TrialConfig
from trainable.data.corrections import correct
from trainable.data.folds import Folds
from trainable.data.labels import ATTRIBUTES, age_band, decode, encode
from trainable.data.manifest import Manifest
from trainable.data.pseudo_labels import pseudo_answers
from trainable.errors import InputError
from trainable.images.faces import check_detector, looks_for_faces

YOUNG, OLD = 30, 60
NO_MASK = ATTRIBUTES["mask"].index("none")
OLDEST = len(ATTRIBUTES["age"]) - 1


@dataclass(frozen=True)
class TrainingRows:
    """`rows` int64[n] of the manifest; `labels` int64[N] for all its rows, of which only those of `rows` may be read.

    `unmasked` bool[N]: what a first stage is made of. `old` bool[N]: people who train as 60 and over. Without
    attributes neither has any row. `classes`: how many the target has.
    """

    rows: np.ndarray
    labels: np.ndarray
    unmasked: np.ndarray
    old: np.ndarray
    classes: int


def training_rows(config: TrialConfig, manifest: Manifest, folds: Folds, k: int) -> TrainingRows:
    """What fold k trains on; the labels are the target's classes.

    Pseudo labels and corrections that fold models made are fold k's own; a network of all rows takes those of all.
    """
    own = k if folds.leave_out else None
    frame = correct(manifest, config.rows.corrections, own)
    labels = _labels(frame, manifest, config.rows)
    nobody = np.zeros(len(frame), bool)
    unmasked = frame["mask"].to_numpy() == NO_MASK if "mask" in manifest.attributes else nobody
    old = frame["age"].to_numpy() >= config.rows.old_cut if "age" in manifest.attributes else nobody
    out = dropped(frame, config.rows)
    before = folds.train_rows(k)
    if "pseudo" in frame:
        pseudo, answers = frame["pseudo"].to_numpy(bool), pseudo_answers(frame, own)
        labels = np.where(pseudo, np.maximum(answers, 0), labels)
        out = np.where(pseudo, answers < 0, out)
        before = before[~pseudo[before]]
        if manifest.attributes:
            parts = decode(labels)
            unmasked = np.where(pseudo, parts["mask"] == NO_MASK, unmasked)
            old = np.where(pseudo, parts["age"] == OLDEST, old)
    rows = folds.train_rows(k)
    rows = rows[~out[rows]]
    _check_classes(labels, manifest, before, rows)
    return TrainingRows(
        rows,
        of_target(labels, config.target).copy(),  # pandas gives read-only arrays
        unmasked=unmasked,
        old=old,
        classes=len(target_classes(manifest, config.target)),
    )


def target_labels(manifest: Manifest, target: str) -> np.ndarray:
    """int64[N]: the original labels of what is predicted."""
    return of_target(manifest.labels, target)


def target_classes(manifest: Manifest, target: str) -> tuple[str, ...]:
    return manifest.classes if target == "joint" else ATTRIBUTES[target]


def of_target(labels: np.ndarray, target: str) -> np.ndarray:
    return labels if target == "joint" else decode(labels)[target]


def is_old(manifest: Manifest) -> np.ndarray:
    """bool[N]: people of 60 and over, by their original age; nobody where ages are unknown."""
    frame = manifest.frame
    return frame["age"].to_numpy() >= OLD if "age" in manifest.attributes else np.zeros(len(frame), bool)


def dropped(frame: pd.DataFrame, rows: RowsConfig) -> np.ndarray:
    """bool[N]: ages near a border, which do not train."""
    out = np.zeros(len(frame), bool)
    for border, width in ((YOUNG, rows.drop_young), (OLD, rows.drop_old)):
        if width:
            age = frame["age"].to_numpy()
            end = border + width if rows.drop_side == "both" else border
            out |= (age >= border - width) & (age < end) & (age < np.nanmax(age))
    return out


def check_data(config: TrialConfig, manifest: Manifest) -> None:
    """InputError when the data or this machine cannot carry a choice; run once on the driver, before all else."""
    if looks_for_faces(config):
        check_detector(config.input.detector)
    for choice, names in config.needs().items():
        missing = [name for name in names if name not in manifest.attributes]
        if missing:
            raise InputError(f"{choice}: the data have no column {', '.join(missing)}; allowed: leave the choice out")
    correct(manifest, config.rows.corrections)


def _labels(frame: pd.DataFrame, manifest: Manifest, rows: RowsConfig) -> np.ndarray:
    if not manifest.attributes:
        return frame["label"].to_numpy(np.int64)
    band = age_band(frame["age"], young=rows.young_cut, old=rows.old_cut)
    return encode(frame["mask"].to_numpy(), frame["gender"].to_numpy(), band)


def _check_classes(labels: np.ndarray, manifest: Manifest, before: np.ndarray, after: np.ndarray) -> None:
    lost = sorted(set(manifest.labels[before].tolist()) - set(labels[after].tolist()))
    if lost:
        names = ", ".join(manifest.classes[c] for c in lost)
        raise InputError(
            f"rows: age cuts, drops and corrections leave no training row of {names}; allowed: milder ones"
        )
