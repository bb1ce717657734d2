"""A recorded table (benchmarks.record) as the simulator reads it: any configuration, fold and epoch is answered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray

from benchmarks.grid import Grid, Point, varied
from benchmarks.record_tables import TABLES
from ensembles.greedy import greedy_selection
from search.race import first_rung
from trainable.config import TrialConfig
from trainable.files import read_npz
from trainable.metrics import macro_f1

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Table:
    """score [T, K, E] of the fold's validation rows after each epoch; valid [T, N, C] out-of-fold and test [T, M, C]
    probabilities; fold [N], label [N], test_label [M]; seconds [T] an epoch; configs: points of the grid, in order;
    what follows them is a row with other seeds, `repeated`: (row, its own seed).
    """

    score: NDArray[np.float64]
    seconds: NDArray[np.float64]
    valid: NDArray[np.float32]
    test: NDArray[np.float32]
    fold: NDArray[np.int8]
    label: NDArray[np.int64]
    test_label: NDArray[np.int64]
    configs: tuple[Point, ...]
    grid: Grid
    pretrained: bool
    repeated: tuple[int, int] | None = None
    votes: dict[frozenset[int], float] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, folder: Path = RESULTS) -> Self:
        """The recorded table of that name."""
        held = read_npz(folder / f"table_{name}.npz")
        return cls(
            held["score"].astype(np.float64),
            np.median(held["seconds"], axis=(1, 2)).astype(np.float64),  # a median: other work disturbed single epochs
            held["valid"].astype(np.float32),
            held["test"].astype(np.float32),
            held["fold"],
            held["label"],
            held["test_label"],
            tuple(json.loads(c) for c in held["configs"]),
            TABLES[name].grid,
            bool(TABLES[name].backbones),
        )

    def with_seeds(self, row: int, held: dict[str, NDArray], seeds: Sequence[int], first: int) -> Self:
        """The table with a row as the first of these seeds trained, and the others at the end.

        held: as benchmarks.record_recipe writes it. first: the seed that a search gives the first; it counts on.
        """
        changed = {}
        for name in ("score", "valid", "test"):
            changed[name] = np.concatenate([getattr(self, name), held[name][list(seeds[1:])]])
            changed[name][row] = held[name][seeds[0]]
        seconds = np.concatenate([self.seconds, np.full(len(seeds) - 1, self.seconds[row])])
        return replace(self, **changed, seconds=seconds, repeated=(row, first), votes={})

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
    def grace(self) -> int:
        """Epochs until the first rung that a search takes by itself."""
        return first_rung(self.epochs, pretrained=self.pretrained)

    @property
    def classes(self) -> int:
        return self.valid.shape[2]

    @cached_property
    def rows(self) -> dict[tuple[int, ...], int]:
        """Row of every recorded point of the grid."""
        return {self.grid.place(c): i for i, c in enumerate(self.configs)}

    @cached_property
    def _configs(self) -> dict[tuple[Any, ...], int]:
        return {varied(self.grid.config(c)): i for i, c in enumerate(self.configs)}

    def suggest(self, trial: optuna.trial.BaseTrial) -> Point:
        """A recorded point, which every arm of the benchmarks draws: the nearest to what the trial draws."""
        return self.grid.nearest(self.grid.suggest(trial))

    def row_at(self, point: Point) -> int:
        """Where a recorded point is in the table."""
        return self.rows[self.grid.place(point)]

    def row_of(self, config: TrialConfig) -> int:
        """Where the configuration of a recorded point is in the table; of one that is repeated, by its seed."""
        row = self._configs[varied(config)]
        if self.repeated is None or row != self.repeated[0] or config.seed == self.repeated[1]:
            return row
        return len(self.configs) + config.seed - self.repeated[1] - 1

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
