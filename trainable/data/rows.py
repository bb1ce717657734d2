"""Which rows train, with which labels, and what is predicted.

Everything here acts on training rows. Validation rows are `Folds.valid_rows`, and their labels the manifest's: that is
what makes trials comparable.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trainable.config import JOINT, RowsConfig, TrialConfig
from trainable.data.attributes import PLAIN, Attributes
from trainable.data.corrections import check_unseen, correct, left_out
from trainable.data.folds import Folds
from trainable.data.manifest import SAMPLE_WEIGHT, Manifest
from trainable.data.pseudo_labels import SoftLabels, pseudo_answers
from trainable.data.where import rows_where
from trainable.errors import InputError


@dataclass(frozen=True)
class TrainingRows:
    """`rows` int64[n] of the manifest; `labels` int64[N] for all its rows, of which only those of `rows` may be read.

    `first` bool[N]: what a first stage trains on. `partners` bool[N]: what mixing takes partners from. Neither has any
    row where the configuration names none. `classes`: how many the target has. `weights` float64[N]: how much the loss
    of a row counts, 1 on average over `rows`; None where the data have no column `sample_weight`. `soft`: those of
    `rows` that are not of one class alone, by shares of the target's classes; `labels` has the largest. None: none
    are.
    """

    rows: np.ndarray
    labels: np.ndarray
    first: np.ndarray
    partners: np.ndarray
    classes: int
    weights: np.ndarray | None = None
    soft: SoftLabels | None = None


def training_rows(config: TrialConfig, manifest: Manifest, folds: Folds, k: int) -> TrainingRows:
    """What fold k trains on; the labels are the target's classes.

    Pseudo labels and corrections that fold models made are fold k's own; a network of all rows takes those of all.
    """
    own = k if folds.leave_out else None
    if folds.leave_out:
        check_unseen(manifest, config.rows.corrections, folds.fold)
    frame = correct(manifest, config.rows.corrections, own)
    labels = _labels(frame, manifest.made_of, config.rows)
    out = dropped(frame, manifest.made_of, config.rows) | left_out(manifest, config.rows.corrections, own)
    before, soft = folds.train_rows(k), None
    if "pseudo" in frame:
        pseudo, soft = frame["pseudo"].to_numpy(bool), pseudo_answers(frame, own, len(manifest.classes))
        labels = labels.copy()
        labels[soft.rows] = soft.shares.argmax(1)
        out |= pseudo
        out[soft.rows] = False
        before = before[~pseudo[before]]
    rows = folds.train_rows(k)
    rows = rows[~out[rows]]
    _check_classes(labels, manifest, before, rows)
    labels = np.maximum(labels, 0)  # rows without a class do not train
    first, partner = config.stage.rows, config.mix.partner
    mixes = config.mix.name != "none" and "=" in partner
    nothing = np.zeros(len(frame), bool)
    told = of_target(labels, config.target, manifest.made_of).copy()  # pandas gives read-only arrays
    if soft is not None and (soft := _of_target(soft, config.target, manifest.made_of).among(rows)) is not None:
        told[soft.rows] = soft.shares.argmax(1)
    return TrainingRows(
        rows,
        told,
        first=rows_where(manifest, first, labels, "stage.rows") if first else nothing,
        partners=rows_where(manifest, partner, labels, "mix.partner") if mixes else nothing,
        classes=len(target_classes(manifest, config.target)),
        weights=_weights(frame, rows),
        soft=soft,
    )


def target_labels(manifest: Manifest, target: str) -> np.ndarray:
    """int64[N]: the original labels of what is predicted."""
    return of_target(manifest.labels, target, manifest.made_of)


def target_classes(manifest: Manifest, target: str) -> tuple[str, ...]:
    """Names of what is predicted; InputError for a target that is no attribute."""
    if target == JOINT:
        return manifest.classes
    if target not in manifest.attributes:
        known = ", ".join(("joint", *manifest.attributes))
        raise InputError(f"target: the data have no column {target}, of which classes are made; allowed: {known}")
    return manifest.made_of[target].values


def made_of_target(manifest: Manifest, target: str) -> Attributes:
    """What the classes that are predicted are made of."""
    return manifest.made_of if target == JOINT else PLAIN


def of_target(labels: np.ndarray, target: str, made_of: Attributes) -> np.ndarray:
    """int64[N] of labels of all classes."""
    return labels if target == JOINT else made_of.decode(labels)[target]


def _of_target(soft: SoftLabels, target: str, made_of: Attributes) -> SoftLabels:
    if target == JOINT:
        return soft
    return replace(soft, shares=made_of.grid.marginal(soft.shares, made_of.names.index(target)).astype(np.float32))


def dropped(frame: pd.DataFrame, made_of: Attributes, rows: RowsConfig) -> np.ndarray:
    """bool[N]: numbers near a border, which do not train."""
    out = np.zeros(len(frame), bool)
    for name, widths in rows.drop:
        number = frame[name].to_numpy()
        for border, width in zip(made_of[name].cuts, widths, strict=True):
            if width:
                end = border + width if rows.drop_side == "both" else border
                out |= (number >= border - width) & (number < end) & (number < np.nanmax(number))
    return out


def _labels(frame: pd.DataFrame, made_of: Attributes, rows: RowsConfig) -> np.ndarray:
    """int64[N], -1 where moved borders or corrections make a product that is no class."""
    return made_of.encode(frame, dict(rows.cuts)) if made_of else frame["label"].to_numpy(np.int64)


def _weights(frame: pd.DataFrame, rows: np.ndarray) -> np.ndarray | None:
    if SAMPLE_WEIGHT not in frame:
        return None
    weights = frame[SAMPLE_WEIGHT].to_numpy(np.float64)
    mean = weights[rows].mean() if len(rows) else 1.0
    if not mean > 0:
        raise InputError(f"rows: {SAMPLE_WEIGHT} of all training rows of a fold is 0; allowed: some above")
    return weights / mean


def _check_classes(labels: np.ndarray, manifest: Manifest, before: np.ndarray, after: np.ndarray) -> None:
    if (labels[after] < 0).any():
        images = manifest.frame["image"].to_numpy()[after[labels[after] < 0]]
        raise InputError(
            f"rows: cuts and corrections give {len(images)} training rows a combination of values that is no class, "
            f"such as {images[0]}; allowed: combinations that the data have"
        )
    lost = sorted(set(manifest.labels[before].tolist()) - set(labels[after].tolist()))
    if lost:
        names = ", ".join(manifest.classes[c] for c in lost)
        raise InputError(f"rows: cuts, drops and corrections leave no training row of {names}; allowed: milder ones")
