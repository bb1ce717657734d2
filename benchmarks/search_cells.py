"""The cells of benchmarks.search: when a search reached a level, by seed, and what the cells come to."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from benchmarks.measure import rounded
from benchmarks.search_table import Table
from benchmarks.search_world import Trace

PERCENTILES = (50, 75, 90)
LEVELS = tuple(f"p{p}" for p in PERCENTILES)
Score = Callable[[frozenset[int]], float]


def curve(trace: Trace, score: Score) -> Iterator[tuple[int, float]]:
    """(epochs spent, score of the trials complete by then) whenever one becomes so."""
    rows = [row for _, row in trace.complete]
    return ((epochs, score(frozenset(rows[: i + 1]))) for i, (epochs, _) in enumerate(trace.complete))


def first_reach(points: Iterable[tuple[int, float]], level: float) -> float:
    return next((float(epochs) for epochs, score in points if score >= level), np.inf)


def after(trace: Trace, epochs: int, score: Score) -> float:
    """The score after so many epochs, 0 while no trial is complete."""
    rows = frozenset(row for spent, row in trace.complete if spent <= epochs)
    return score(rows) if rows else 0.0


def epochs_to(table: Table, runs: Iterable[Trace], levels: dict[str, float]) -> dict[str, list[float | None]]:
    """Epochs until each level is reached, a run an entry; None where it is not."""
    found: dict[str, list[float | None]] = {k: [] for k in levels}
    for r in runs:
        points = list(curve(r, table.vote))
        for k, level in levels.items():
            found[k].append(_reached(first_reach(points, level)))
    return found


def _reached(epochs: float) -> float | None:
    return epochs if np.isfinite(epochs) else None


def median(epochs: Iterable[float | None]) -> float:
    """Where None stands for what was never reached; infinite where half of them are."""
    return float(np.median([np.inf if e is None else e for e in epochs]))


def clairvoyant(
    table: Table, seed: int, levels: dict[str, float], *, trials: int, members: int, grace: int
) -> dict[str, float | None]:
    """Epochs of who looks at random trials for `grace` epochs each, then knows which are best out of fold.

    Of how many trials to begin and how many of the best to complete the cheapest pair counts, chosen afterwards.
    """
    order = np.random.default_rng(seed).permutation(len(table.configs))[:trials]
    votes = []
    for begun in range(1, min(trials, len(order)) + 1):
        best = order[:begun][np.argsort(-table.oof[order[:begun]])]
        for done in range(1, min(begun, members) + 1):
            votes.append((begun * grace + done * (table.full - grace), table.vote(frozenset(best[:done].tolist()))))
    reached = (min((cost for cost, vote in votes if vote >= level), default=np.inf) for level in levels.values())
    return {k: _reached(float(epochs)) for k, epochs in zip(levels, reached, strict=True)}


def headline(cells: dict[str, Any], spent: float) -> dict[str, dict[str, float | None]]:
    """What recorded cells of a table come to; spent: epochs of the stock tuner, where half of it reach no level.

    None where half of ours do not get there.
    """
    mine = {k: median(cells["ours"][k]) for k in LEVELS}
    stock = {k: min(median(cells["stock"][k]), spent) for k in LEVELS}
    return {
        "share_of_clairvoyant": {k: _ratio(median(cells["clairvoyant"][k]), mine[k]) for k in LEVELS},
        "vs_stock": {k: _ratio(stock[k], mine[k]) for k in LEVELS},
    }


def _ratio(theirs: float, ours: float) -> float | None:
    return rounded(theirs / ours) if np.isfinite(ours) else None
