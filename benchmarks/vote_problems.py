"""The problems of the bank: what searches of so many trials leave, without and with the free members."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.bank_sets import CHOOSING, DATA_SETS, DataSet
from trainable.data.grid import Grid
from trainable.files import read_npz

RESULTS = Path(__file__).parent / "results"
SEARCHES = {4: (8, 3), 8: (14, 2), 16: (24, 1)}  # members: trials that are drawn, and how often
ATTRIBUTES = {"mask": 0, "gender": 1, "age": 2}
RECORDED = (32, 64, 100)  # trials drawn of which 4, 8, 16 are left, of 144


@dataclass(frozen=True)
class Table:
    """valid [T, N, C], test [T, M, C] of `trials` trials and then free members; race [trials]: how they ranked.

    place [trials]: of each among the `drawn`. best, by_fold [B, K, M, C]: trials whose fold networks are kept apart.
    """

    name: str
    kind: str
    cluster: str
    part: str
    valid: np.ndarray
    test: np.ndarray
    trials: int
    place: np.ndarray
    race: np.ndarray
    drawn: int
    label: np.ndarray
    fold: np.ndarray
    group: np.ndarray
    truth: np.ndarray
    sizes: tuple[int, ...] = ()
    best: np.ndarray | None = None
    by_fold: np.ndarray | None = None

    def only(self, axis: int) -> "Table":
        """What its networks say of one attribute."""
        grid = Grid(self.sizes)

        def sums(p: np.ndarray | None) -> np.ndarray | None:
            return None if p is None else np.minimum(grid.marginal(p, axis, dtype=np.float32), 1)

        values = self.__dict__ | {"valid": sums(self.valid), "test": sums(self.test), "by_fold": sums(self.by_fold)}
        label, truth = (grid.decode(v)[axis] for v in (self.label, self.truth))
        return Table(**(values | {"label": label, "truth": truth, "sizes": ()}))


@dataclass(frozen=True)
class Problem:
    """members: of the table, trials in the order of the race and then free ones. trials: how many are trials."""

    table: Table
    trials: int
    draw: int
    members: tuple[int, ...]

    @property
    def free(self) -> bool:
        return len(self.members) > self.trials

    @property
    def key(self) -> tuple[str, int, int, bool]:
        return self.table.name, self.trials, self.draw, self.free

    @cached_property
    def valid(self) -> np.ndarray:
        return np.ascontiguousarray(self.table.valid[list(self.members)], np.float32)

    @cached_property
    def test(self) -> np.ndarray:
        return np.ascontiguousarray(self.table.test[list(self.members)], np.float32)


def tables(part: str) -> Iterator[Table]:
    """The tables of a part of the bank that are there."""
    for data in DATA_SETS:
        file = RESULTS / "bank" / f"{data.of or data.name}.npz"
        if data.part == part and file.exists():
            yield _read(data, file)
    if part == CHOOSING:
        yield _recorded("sample", "sample 0", 1050)
        yield _recorded("digits", "digits A", 600)  # images 600 to 1199 of the set; the others are judged


def _read(data: DataSet, file: Path) -> Table:
    held = read_npz(file)
    kept = held["place"]
    found = Table(
        data.name,
        data.kind,
        data.source,
        data.part,
        _probabilities(held["valid"]),
        _probabilities(held["test"]),
        int(held["trials"]),
        kept,
        held["race"][kept],
        len(held["race"]),
        held["label"],
        held["fold"],
        held["group"],
        held["truth"],
        (3, 2, 3) if data.kind == "sample" else (),
        held["best"],
        _probabilities(held["by_fold"]),
    )
    return found.only(ATTRIBUTES[data.variant.split()[-1]]) if data.of else found


def _recorded(name: str, cluster: str, test_rows: int) -> Table:
    """A table of benchmarks.record, all of whose trials are complete."""
    held = read_npz(RESULTS / f"table_{name}.npz")
    trials = len(held["valid"])
    return Table(
        f"recorded_{name}",
        name,
        cluster,
        CHOOSING,
        _probabilities(held["valid"]),
        _probabilities(held["test"][:, :test_rows]),
        trials,
        np.arange(trials),
        held["score"][:, 0, -1],
        trials,
        held["label"],
        held["fold"],
        held["group"],
        held["test_label"][:test_rows],
        (3, 2, 3) if name == "sample" else (),
    )


def _probabilities(half: np.ndarray) -> np.ndarray:
    """float32 whose rows sum to 1 again."""
    p = half.astype(np.float32)
    return p / p.sum(-1, keepdims=True)


def problems(table: Table, members: Sequence[int] = tuple(SEARCHES)) -> Iterator[Problem]:
    """A table's problems: searches that drew some of its trials, each without and with the free members it has."""
    free = tuple(range(table.trials, len(table.valid)))
    for size in members:
        drawn, times = SEARCHES[size]
        if table.name.startswith("recorded"):
            drawn, times = RECORDED[tuple(SEARCHES).index(size)], 3
        for draw in range(times):
            random = np.random.default_rng([size, draw])
            tried = random.permutation(table.drawn)[: min(drawn, table.drawn)]
            there = np.flatnonzero(np.isin(table.place, tried))
            left = tuple(there[np.argsort(-table.race[there], kind="stable")][:size].tolist())
            if len(left) < size:  # the best few of these were not among those that were completed
                continue
            yield Problem(table, size, draw, left)
            if free:
                yield Problem(table, size, draw, left + free)
