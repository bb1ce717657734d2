"""Pseudo labels: photos without labels that join training with the answers of a first round.

Fold k of the second round may only learn from answers of the first round's fold-k models: no other model has not seen
the labels that fold k is scored on, and what a model knows of them it tells through its answers (a test shows how
much). So every photo has a label a fold, and is left out of the folds whose models were not sure.

A label is soft: what the models say of every class (Hinton 2015, https://arxiv.org/abs/1503.02531). That teaches more
than their surest class (benchmarks.rounds, docs/decisions/039-methods-by-name.md).

They are extra rows of the manifest, in columns that its Parquet file keeps: `pseudo` bool, and `pseudo_<k>` bytes, what
fold k learns: float32 [C], or nothing.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trainable.data.attributes import PLAIN, Attributes
from trainable.data.folds import Folds
from trainable.data.manifest import SAMPLE_WEIGHT, Manifest, TestSet
from trainable.errors import InputError

NOTHING = b""


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """rows: int64[P], ascending, of the manifest. shares: float32 [P, C], how much of each class it is."""

    rows: np.ndarray
    shares: np.ndarray

    def among(self, rows: np.ndarray) -> "SoftLabels | None":
        """Those of `rows` int64[n]; None where there are none."""
        kept = np.isin(self.rows, rows)
        return SoftLabels(self.rows[kept], self.shares[kept]) if kept.any() else None


def answers(
    votes: np.ndarray,
    thresholds: float | dict[str, float],
    made_of: Attributes = PLAIN,
) -> np.ndarray:
    """Soft labels float32 [M, K, C] of votes [K, M, C], each of one fold's models alone; zeros where not sure.

    `thresholds`: for the class's probability, or {attribute: one for its part's}, of what classes are made of.
    """
    if isinstance(thresholds, dict):
        sure = _attributes_sure(votes, thresholds, made_of)
    else:
        _check_threshold("threshold", thresholds)
        sure = votes.max(2) >= thresholds
    shares = votes / votes.sum(2, keepdims=True)
    return (shares * sure[..., None]).swapaxes(0, 1).astype(np.float32)


def with_pseudo(manifest: Manifest, folds: Folds, test: TestSet, told: np.ndarray) -> tuple[Manifest, Folds]:
    """The manifest and folds with the photos of `test` as extra rows that only ever train.

    told: float32 [M, K, C], what each fold is told of them, as `answers` gives it.

    Photos that no fold is sure of are left out. What they show is in `pseudo_<k>` alone: their other columns say
    nothing, so that nothing can be read from them by mistake.
    """
    wanted = (len(test.images), folds.count, len(manifest.classes))
    if told.shape != wanted:
        raise InputError(f"pseudo labels: received {told.shape}; allowed: {wanted}, photos by folds by classes")
    if test.root != manifest.root:
        raise InputError(f"pseudo labels: received photos below {test.root}; allowed: below {manifest.root}")
    kept = np.flatnonzero(told.any((1, 2)))
    names = [test.images[i] for i in kept]
    rows = pd.DataFrame({"image": names, "group": [f"pseudo/{n}" for n in names], "extra": True, "label": 0})
    rows["bytes"] = [(test.root / name).stat().st_size for name in names]
    nothing: dict[str, float] = {part.name: np.nan if part.cuts else 0 for part in manifest.made_of}
    nothing[SAMPLE_WEIGHT] = 1.0
    for column in manifest.frame.columns.difference(rows.columns):
        rows[column] = nothing.get(column, -1 if column == "fold" else "")
    own = manifest.frame.copy()
    for k in range(folds.count):
        own[f"pseudo_{k}"] = NOTHING
        rows[f"pseudo_{k}"] = [shares.tobytes() if shares.any() else NOTHING for shares in told[kept, k]]
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


def pseudo_answers(frame: pd.DataFrame, fold: int | None, classes: int) -> SoftLabels:
    """What that fold's models said of the rows that they were sure of, of so many classes.

    None: of all folds, the mean of those that were sure.
    """
    names = list(frame.filter(regex=r"^pseudo_\d+$")) if fold is None else [f"pseudo_{fold}"]
    told = [_read(frame[name], classes) for name in names]
    rows = np.unique(np.concatenate([some.rows for some in told]))
    total = np.zeros((len(rows), classes), np.float32)
    for some in told:
        total[np.searchsorted(rows, some.rows)] += some.shares
    return SoftLabels(rows, total / total.sum(1, keepdims=True))


def _read(column: pd.Series, classes: int) -> SoftLabels:
    cells = column.to_numpy(object)
    rows = np.flatnonzero([len(cell) > 0 for cell in cells])
    return SoftLabels(rows, np.frombuffer(b"".join(cells[rows]), np.float32).reshape(len(rows), classes))


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
