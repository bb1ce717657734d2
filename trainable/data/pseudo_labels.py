"""Pseudo labels: photos without labels that join training with the answers of a first round.

Fold k of the second round may only learn from answers of the first round's fold-k models: no other model has not seen
the labels that fold k is scored on, and what a model knows of them it tells through its answers (a test shows how
much). So every photo has a label a fold, and is left out of the folds whose models were not sure.

They are extra rows of the manifest, in columns that its Parquet file keeps: `pseudo` bool, and `pseudo_<k>` int64, the
label in fold k or -1.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from trainable.data.attributes import PLAIN, Attributes
from trainable.data.folds import Folds
from trainable.data.manifest import SAMPLE_WEIGHT, Manifest, TestSet
from trainable.errors import InputError

UNSURE = -1


def answers(
    votes: np.ndarray,
    thresholds: float | dict[str, float],
    made_of: Attributes = PLAIN,
) -> np.ndarray:
    """Labels int64 [M, K] of votes [K, M, C], each of one fold's models alone; -1 where not sure.

    `thresholds`: for the class's probability, or {attribute: one for its part's}, of what classes are made of.
    """
    found = votes.argmax(2).T.astype(np.int64)
    if isinstance(thresholds, dict):
        sure = _attributes_sure(votes, thresholds, made_of)
    else:
        _check_threshold("threshold", thresholds)
        sure = votes.max(2) >= thresholds
    return np.where(sure.T, found, UNSURE)


def with_pseudo(manifest: Manifest, folds: Folds, test: TestSet, labels: np.ndarray) -> tuple[Manifest, Folds]:
    """The manifest and folds with the photos of `test`, labels int64 [M, K], as extra rows that only ever train.

    Photos that no fold is sure of are left out. What they show is in `pseudo_<k>` alone: their other columns say
    nothing, so that nothing can be read from them by mistake.
    """
    if labels.shape != (len(test.images), folds.count):
        raise InputError(
            f"pseudo labels: received {labels.shape}; allowed: {(len(test.images), folds.count)}, photos by folds"
        )
    if test.root != manifest.root:
        raise InputError(f"pseudo labels: received photos below {test.root}; allowed: below {manifest.root}")
    kept = np.flatnonzero((labels != UNSURE).any(1))
    names = [test.images[i] for i in kept]
    rows = pd.DataFrame({"image": names, "group": [f"pseudo/{n}" for n in names], "extra": True, "label": 0})
    rows["bytes"] = [(test.root / name).stat().st_size for name in names]
    nothing: dict[str, float] = {part.name: np.nan if part.cuts else 0 for part in manifest.made_of}
    nothing[SAMPLE_WEIGHT] = 1.0
    for column in manifest.frame.columns.difference(rows.columns):
        rows[column] = nothing.get(column, -1 if column == "fold" else "")
    own = manifest.frame.copy()
    for k in range(folds.count):
        own[f"pseudo_{k}"], rows[f"pseudo_{k}"] = UNSURE, labels[kept, k]
    own["pseudo"], rows["pseudo"] = False, True
    frame = pd.concat([own, rows[own.columns]], ignore_index=True) if len(kept) else own
    more = len(frame) - len(own)
    return replace(manifest, frame=frame), Folds(
        np.concatenate([folds.fold, np.full(more, -1, np.int8)]),
        np.concatenate([folds.scored, np.zeros(more, bool)]),
        folds.count,
    )


def without_pseudo(manifest: Manifest, folds: Folds) -> tuple[Manifest, Folds]:
    """The manifest and folds as they were before `with_pseudo`; the same where there are no pseudo labels."""
    frame = manifest.frame
    if "pseudo" not in frame:
        return manifest, folds
    own = ~frame["pseudo"].to_numpy(bool)
    kept = frame[own].drop(columns=list(frame.filter(regex=r"^pseudo(_\d+)?$")))
    return replace(manifest, frame=kept), Folds(folds.fold[own], folds.scored[own], folds.count)


def pseudo_answers(frame: pd.DataFrame, fold: int | None) -> np.ndarray:
    """int64[N]: the labels that fold's models gave, -1 where they were not sure or the row has a label of its own.

    None: of all folds, the label that most of those gave that were sure.
    """
    if fold is not None:
        return frame[f"pseudo_{fold}"].to_numpy(np.int64)
    table = frame.filter(regex=r"^pseudo_\d+$").to_numpy(np.int64)
    votes = (table[:, :, None] == np.arange(table.max() + 1)).sum(1)  # [N, C]
    return np.where(votes.any(1), votes.argmax(1), UNSURE)


def _attributes_sure(mean: np.ndarray, thresholds: dict[str, float], made_of: Attributes) -> np.ndarray:
    """bool [K, M]: every attribute's best probability reaches its threshold."""
    if set(thresholds) - set(made_of.names):
        allowed = ", ".join(made_of.names) or "one number, these classes are made of no attributes"
        raise InputError(f"threshold: received {', '.join(thresholds)}; allowed: {allowed}")
    sure = np.ones(mean.shape[:2], bool)
    for axis, name in enumerate(made_of.names):
        if name in thresholds:
            _check_threshold(f"threshold of {name}", thresholds[name])
            sure &= made_of.grid.marginal(mean, axis).max(2) >= thresholds[name]
    return sure


def _check_threshold(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise InputError(f"{name}: received {value}; allowed: above 0 and at most 1")
