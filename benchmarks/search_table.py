"""A recorded table (benchmarks.record) as the simulator reads it: any configuration, fold and epoch is answered."""

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray

from benchmarks.record_tables import GRID
from ensembles.greedy import greedy_selection
from trainable.config import TrialConfig
from trainable.files import read_npz
from trainable.metrics import macro_f1

PLACE = {name: {json.dumps(v): i for i, v in enumerate(values)} for name, values in GRID.items()}


@dataclass(frozen=True)
class Table:
    """score [T, K, E] of the fold's validation rows after each epoch; valid [T, N, C] out-of-fold and test [T, M, C]
    probabilities; fold [N], label [N], test_label [M]; seconds [T] an epoch; configs: T entries of the full grid.
    """

    score: NDArray[np.float64]
    seconds: NDArray[np.float64]
    valid: NDArray[np.float32]
    test: NDArray[np.float32]
    fold: NDArray[np.int8]
    label: NDArray[np.int64]
    test_label: NDArray[np.int64]
    configs: tuple[dict[str, Any], ...]
    votes: dict[frozenset[int], float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        held = read_npz(path)
        return cls(
            held["score"].astype(np.float64),
            np.median(held["seconds"], axis=(1, 2)).astype(np.float64),  # a median: other work disturbed single epochs
            held["valid"].astype(np.float32),
            held["test"].astype(np.float32),
            held["fold"],
            held["label"],
            held["test_label"],
            tuple(json.loads(c) for c in held["configs"]),
        )

    def with_row(self, row: int, held: dict[str, NDArray], seed: int) -> Self:
        """The table with a row as another seed of its configuration trained, see benchmarks.record_recipe."""
        changed = {}
        for name in ("score", "valid", "test"):
            changed[name] = getattr(self, name).copy()
            changed[name][row] = held[name][seed]
        return replace(self, **changed, votes={})

    @property
    def folds(self) -> int:
        return self.score.shape[1]

    @property
    def epochs(self) -> int:
        return self.score.shape[2]

    @property
    def full(self) -> int:
        """Epochs of a trial that runs all its folds."""
        return self.folds * self.epochs

    @property
    def classes(self) -> int:
        return self.valid.shape[2]

    @cached_property
    def rows(self) -> dict[tuple[int, ...], int]:
        """Row of every point of the grid."""
        return {place(c): i for i, c in enumerate(self.configs)}

    def row_of(self, config: TrialConfig) -> int:
        """Where a configuration that `as_space` gave is in the table."""
        return self.rows[place(_as_point(config))]

    @cached_property
    def oof(self) -> NDArray[np.float64]:
        """Pooled out-of-fold macro-F1 [T]: what a complete trial is known by."""
        return np.array([macro_f1(self.label, p.argmax(1), self.classes) for p in self.valid])

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """Test macro-F1 [T]."""
        return np.array([macro_f1(self.test_label, p.argmax(1), self.classes) for p in self.test])

    def cost(self, row: int) -> float:
        return float(self.seconds[row])

    def score_at(self, row: int, step: int) -> float:
        """What a trial reports after `step` epochs over all folds."""
        return float(self.score[row, (step - 1) // self.epochs, (step - 1) % self.epochs])

    def single(self, rows: frozenset[int]) -> float:
        """Test macro-F1 of the complete trial that is best out of fold."""
        return float(self.truth[max(sorted(rows), key=lambda r: self.oof[r])])

    def vote(self, rows: frozenset[int]) -> float:
        """Test macro-F1 of greedy selection among complete trials."""
        if rows not in self.votes:
            members = sorted(rows)
            counts = greedy_selection(self.valid[members], self.label).counts
            total = np.tensordot(counts, self.test[members], axes=1)
            self.votes[rows] = macro_f1(self.test_label, total.argmax(1), self.classes)
        return self.votes[rows]


def place(values: dict[str, Any]) -> tuple[int, ...]:
    """Where a configuration lies in the grid."""
    return tuple(PLACE[name][json.dumps(values[name])] for name in GRID)


def suggest(trial: optuna.trial.BaseTrial) -> dict[str, Any]:
    """A point of the grid: every arm of the benchmark draws from this space. Ordered values are drawn by their rank."""
    ranks = {n: trial.suggest_int(n, 0, len(GRID[n]) - 1) for n in ("lr", "balance")}
    named = {n: trial.suggest_categorical(n, GRID[n]) for n in ("backbone", "augment", "loss")}
    return {n: GRID[n][ranks[n]] if n in ranks else named[n] for n in GRID}


def parameters_of(values: dict[str, Any]) -> dict[str, Any]:
    """The parameters with which `suggest` gives a point of the grid."""
    return {n: GRID[n].index(v) if n in ("lr", "balance") else v for n, v in values.items()}


def as_space(values: dict[str, Any]) -> dict[str, Any]:
    """A point of the grid as a space file would return it."""
    return {
        "model": {"backbone": values["backbone"], "pretrained": False},
        "augment": {"policy": values["augment"]},
        "sampler": {"name": "weighted", "power": values["balance"]} if values["balance"] else {"name": "shuffle"},
        "loss": {"name": values["loss"]},
        "optim": {"lr": values["lr"], "weight_decay": 0.05},
    }


def _as_point(config: TrialConfig) -> dict[str, Any]:
    """The inverse."""
    return {
        "backbone": config.model.backbone,
        "lr": config.optim.lr,
        "augment": config.augment.policy,
        "loss": config.loss.name,
        "balance": config.sampler.power if config.sampler.name == "weighted" else 0.0,
    }
