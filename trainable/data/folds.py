"""Folds: made once an experiment, shared by all its trials; no group in two folds."""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from trainable.data.manifest import Manifest
from trainable.errors import InputError

MOST = 100  # fold numbers are int8 on disk
SEEDS = 10  # tried for folds none of which is empty


@dataclass(frozen=True)
class Folds:
    """`fold` int8[N]: the fold whose model never sees the row; -1 for extra rows that every model may see.

    `scored` bool[N]: rows that are predicted; an extra row of a scored person shares that person's fold but is not
    predicted.
    """

    fold: np.ndarray
    scored: np.ndarray
    count: int

    @classmethod
    def of_one_network(cls, rows: int) -> Self:
        """Nobody is left out and nothing is scored: the one network, fold 0, trains on all rows."""
        return cls(np.full(rows, -1, np.int8), np.zeros(rows, bool), 1)

    @property
    def leave_out(self) -> bool:
        """Whether each network has rows that it never sees; False for the one network of all rows."""
        return self.count > 1

    def train_rows(self, k: int) -> np.ndarray:
        return np.flatnonzero(self.fold != k)

    def valid_rows(self, k: int) -> np.ndarray:
        return np.flatnonzero((self.fold == k) & self.scored)

    def fingerprint(self) -> str:
        content = self.fold.astype(np.int8).tobytes() + np.packbits(self.scored).tobytes() + bytes([self.count])
        return hashlib.sha256(content).hexdigest()[:16]


def make_folds(manifest: Manifest, count: int, seed: int, say: Callable[[str], None] = lambda line: None) -> Folds:
    """Grouped folds, stratified on the attributes that all photos of a group share, or on the label without such.

    A seed that leaves a fold empty is passed over for the next, and said. Where the data give folds, those as they are,
    however many; the layout has checked that no group is in two.
    Source: scikit-learn's StratifiedGroupKFold, shuffled (rows sorted by folder are badly skewed).
    """
    if (given := given_count(manifest)) is not None:
        return _as_given(manifest, given)
    scored = manifest.scored
    groups = manifest.frame["group"].to_numpy(str)
    if not 2 <= count <= MOST:
        raise InputError(f"folds: received {count}; allowed: 2 to {MOST}")
    distinct = len(np.unique(groups[scored]))
    if distinct < count:
        raise InputError(f"fewer groups than folds: received {distinct} groups; allowed: at least {count} (the folds)")
    strata, rows = _strata(manifest)[scored], np.flatnonzero(scored)
    if np.bincount(strata).max() < 2:
        raise InputError("folds cannot be made: received one image of each class; allowed: at least two of one")
    for tried in range(seed, seed + SEEDS):
        made = _split(strata, groups[rows], count, tried)
        if not (empty := sorted(set(range(count)) - set(made.tolist()))):
            break
        say(f"folds: with seed {tried} fold {empty[0]} of {count} is empty; seed {tried + 1} is tried")
    else:
        say(f"folds: every one of {SEEDS} seeds leaves a fold empty; groups of the fullest folds go there")
        made = filled(made, groups[rows], count)
    fold = np.full(len(groups), -1, np.int8)
    fold[rows] = made
    _join_groups(fold, scored, groups)
    return Folds(fold, scored, count)


def _split(strata: np.ndarray, groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """int8[n]: the fold of each scored row."""
    # scikit-learn refuses classes of fewer rows than folds, whatever their groups; every row taken several times over
    # asks for the same shares.
    times = -(-count // int(np.bincount(strata).max()))
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    fold = np.full(len(groups), -1, np.int8)
    with warnings.catch_warnings():
        # A stratum smaller than the folds is usual here (old men are rare); what matters is warned of below.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = splitter.split(np.zeros(len(groups) * times), np.tile(strata, times), np.tile(groups, times))
        for k, (_, valid) in enumerate(parts):
            fold[valid % len(groups)] = k
    return fold


def filled(fold: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """Folds int8[n] none of which is empty: each empty one takes the smallest group of the fold with most groups."""
    fold = fold.copy()
    for k in sorted(set(range(count)) - set(fold.tolist())):
        pairs = pd.DataFrame({"fold": fold, "group": groups})
        fullest = pairs.groupby("fold")["group"].nunique().idxmax()
        fold[groups == pairs.loc[pairs["fold"] == fullest, "group"].value_counts().index[-1]] = k
    return fold


def given_count(manifest: Manifest) -> int | None:
    """How many folds a column of the data gives; None where none does."""
    return int(manifest.frame["fold"].max()) + 1 if "fold" in manifest.frame else None


def _as_given(manifest: Manifest, count: int) -> Folds:
    scored = manifest.scored
    fold = np.where(scored, manifest.frame["fold"].to_numpy(np.int64), -1).astype(np.int8)
    _join_groups(fold, scored, manifest.frame["group"].to_numpy(str))
    empty = [k for k in range(count) if not (fold[scored] == k).any()]
    if empty:
        raise InputError(f"fold {empty[0]} of the {count} given has no row left; allowed: a row in each")
    return Folds(fold, scored, count)


def _join_groups(fold: np.ndarray, scored: np.ndarray, groups: np.ndarray) -> None:
    """Give extra rows the fold of the scored rows of their group, in place."""
    of_group = dict(zip(groups[scored], fold[scored], strict=True))
    for row in np.flatnonzero(~scored):
        fold[row] = of_group.get(groups[row], -1)


def _strata(manifest: Manifest) -> np.ndarray:
    shared = [a for a, name in enumerate(manifest.attributes) if name in manifest.groupwise]
    if not shared:
        return manifest.labels
    grid = manifest.made_of.grid
    values = grid.decode(manifest.labels)
    return np.ravel_multi_index([values[a] for a in shared], [grid.sizes[a] for a in shared])
