"""What a budget comes to, on a recorded table: ours with `--hours`, and three things that people do instead.

Everybody begins with the recipe, as somebody does who knows one. The cost of one trial is what its folds take when they
are spread over the workers.
"""

import heapq
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record_tables import TABLES
from benchmarks.search_policies import Ours, Stock
from benchmarks.search_table import RESULTS, Table
from benchmarks.search_world import Clock, replay
from ensembles.greedy import greedy_selection
from search.deadline import Deadline
from search.space import Search
from trainable.files import read_npz
from trainable.metrics import macro_f1

SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None  # the director's files: in memory, fsync takes no time
SAMPLES, MEMBERS = 432, 10
BUDGETS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Case:
    """A table as one seed sees it: its recipe is the recorded one of that seed. seeds [S, ...]: all of the recipe."""

    table: Table
    row: int
    valid: NDArray[np.float32]
    test: NDArray[np.float32]
    seed: int

    def unit(self, workers: int) -> float:
        """Seconds of one trial whose folds are spread."""
        return self.table.epochs * math.ceil(self.table.folds / workers) * self.table.cost(self.row)

    @property
    def first(self) -> dict[str, Any]:
        """The recipe as parameters."""
        return self.table.grid.parameters_of(self.table.configs[self.row])

    @property
    def order(self) -> list[int]:
        """Of the recipe's seeds, the one in the table first."""
        mine = self.seed % len(self.valid)
        others = [s for s in range(len(self.valid)) if s != mine]
        return [mine, *np.random.default_rng(self.seed).permutation(others).tolist()]


@cache
def _recorded(name: str) -> tuple[Table, dict[str, NDArray]]:
    return Table.read(name), read_npz(RESULTS / f"recipe_{name}.npz")


@cache
def case(name: str, seed: int) -> Case:
    table, held = _recorded(name)
    row = table.row_at(TABLES[name].recipe)
    valid, test = held["valid"].astype(np.float32), held["test"].astype(np.float32)
    here = Case(table, row, valid, test, seed)
    return replace(here, table=table.with_seeds(row, {**held, "valid": valid, "test": test}, here.order, seed))


def ended(seconds: Sequence[float], table: Table, workers: int) -> list[float]:
    """When trials are complete that run one after another, fold by fold on whichever worker is free.

    seconds: of an epoch of each.
    """
    free, found = [0.0] * workers, []
    for each in seconds:
        last = 0.0
        for _ in range(table.folds):
            last = max(last, end := heapq.heappop(free) + table.epochs * each)
            heapq.heappush(free, end)
        found.append(last)
    return found


def recipe(here: Case, workers: int) -> list[float]:
    """(a) the recipe with one seed after another, voted: a score a budget, 0 while nothing is complete."""
    ends = ended([here.table.cost(here.row)] * len(here.order), here.table, workers)
    scores = []
    for budget in BUDGETS:
        seeds = [s for s, end in zip(here.order, ends, strict=True) if end <= _limit(here, budget, workers)]
        scores.append(_vote_of_seeds(here, seeds) if seeds else 0.0)
    return scores


def full_cv_random(here: Case, workers: int) -> list[float]:
    """(b) all folds of random configurations, none twice."""
    order = np.random.default_rng(here.seed).permutation(len(here.table.configs)).tolist()
    rows = [here.row, *(row for row in order if row != here.row)]
    return _over_time(here, workers, rows, ended([here.table.cost(row) for row in rows], here.table, workers))


def stock(here: Case, workers: int) -> list[float]:
    """(c) Ray Tune as it comes: OptunaSearch and ASHA, a trial a worker."""
    driver = Stock(here.table, SAMPLES, here.seed, here.table.grace, [here.first])
    trace = replay(here.table, driver, workers)
    return _over_time(here, workers, [row for _, row in trace.complete], trace.ended)


def ours(here: Case, workers: int, budget: float) -> tuple[float, float, int, int]:
    """(score, seconds late, trials begun, complete) of a search that is given so much time; score 0 where none is."""
    table, clock = here.table, Clock()
    limit = _limit(here, budget, workers)
    deadline = Deadline(limit, table.epochs, table.folds, workers, reserve=0.0, clock=clock)
    search = Search(
        trials=len(table.configs),
        folds=table.folds,
        epochs=table.epochs,
        members=MEMBERS,
        grace=table.grace,
        seed=here.seed,
        first=(here.first,),
    )
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        trace = replay(table, Ours(table, search, Path(folder), deadline=deadline), workers, clock)
    rows = frozenset(row for _, row in trace.complete)
    return table.vote(rows) if rows else 0.0, max(0.0, trace.seconds - limit), len(trace.begun), len(rows)


def _limit(here: Case, budget: float, workers: int) -> float:
    return budget * here.unit(workers) * (1 + 1e-9)


def _over_time(here: Case, workers: int, rows: Sequence[int], ends: Sequence[float]) -> list[float]:
    """The vote of the rows that are complete by each budget."""
    sets = [
        frozenset(row for row, end in zip(rows, ends, strict=True) if end <= _limit(here, budget, workers))
        for budget in BUDGETS
    ]
    return [here.table.vote(rows) if rows else 0.0 for rows in sets]


def _vote_of_seeds(here: Case, seeds: list[int]) -> float:
    counts = greedy_selection(here.valid[seeds], here.table.label).counts
    total = np.tensordot(counts, here.test[seeds], axes=1)
    return macro_f1(here.table.test_label, total.argmax(1), here.table.classes)
