"""What each choice of a parameter is worth, with its uncertainty, from trials that differ in everything at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FEWEST = 8
REPLICATES = 400
LEVELS = 8  # a number with more distinct values is no technique: it only adjusts the others
RIDGE = 1.0  # as if one trial of the mean score stood for every choice: rare choices are drawn to zero


@dataclass(frozen=True)
class Effect:
    """Score above the mean of the parameter's choices: median and 90 % interval over draws of the trials (so the
    value lies inside); how many trials had the choice."""

    parameter: str
    level: str
    value: float
    low: float
    high: float
    trials: int


def effects(rows: Sequence[dict[str, Any]], scores: np.ndarray) -> list[Effect]:
    """Of parameters (a dict a trial) and scores float64[n]; by size of the parameter's largest effect."""
    if len(rows) < FEWEST:
        return []
    columns, names = _columns(rows)
    if not names:
        return []
    owners = [name for name, _ in names]
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(rows), size=len(rows)) for _ in range(REPLICATES)]
    again = np.array([_centred(_ridge(columns[d], scores[d]), owners) for d in draws])
    low, middle, high = np.percentile(again, (5, 50, 95), axis=0)
    found = [
        Effect(parameter, level, float(v), float(lo), float(hi), int(columns[:, i].sum()))
        for i, ((parameter, level), v, lo, hi) in enumerate(zip(names, middle, low, high, strict=False))
        if level
    ]
    largest = {p: max(abs(e.value) for e in found if e.parameter == p) for p in {e.parameter for e in found}}
    return sorted(found, key=lambda e: (-largest[e.parameter], e.parameter, -e.value))


def _columns(rows: Sequence[dict[str, Any]]) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """float64 [n, D]: an indicator for each choice, standardised numbers after them (their level is "")."""
    indicators, numbers = [], []
    for name in sorted({k for row in rows for k in row}):
        values = [row.get(name) for row in rows]
        levels = Counter(str(v) for v in values if v is not None)
        if len(levels) < 2:
            continue
        if len(levels) <= LEVELS and (min(levels.values()) > 1 or not _numeric(values)):
            indicators += [((name, level), [float(str(v) == level) for v in values]) for level in sorted(levels)]
        elif _numeric(values):
            numbers.append(((name, ""), _standardised(values)))
    both = indicators + numbers
    return np.array([c for _, c in both]).T, [n for n, _ in both]


def _numeric(values: Sequence[Any]) -> bool:
    return all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values)


def _standardised(values: Sequence[Any]) -> list[float]:
    """Mean 0, deviation 1, absent ones 0; positive numbers over more than a decade by their logarithm."""
    there = np.array([float(v) for v in values if v is not None])
    log = there.min() > 0 and there.max() / there.min() > 10
    there = np.log(there) if log else there
    deviation = there.std() or 1.0
    given = iter((there - there.mean()) / deviation)
    return [0.0 if v is None else float(next(given)) for v in values]


def _ridge(columns: np.ndarray, scores: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(0)
    gram = centred.T @ centred + RIDGE * np.eye(columns.shape[1])
    return np.asarray(np.linalg.solve(gram, centred.T @ (scores - scores.mean())))


def _centred(coefficients: np.ndarray, owners: Sequence[str]) -> np.ndarray:
    """Minus the mean over the choices of the same parameter."""
    out = coefficients.copy()
    for owner in set(owners):
        own = [i for i, o in enumerate(owners) if o == owner]
        if len(own) > 1:
            out[own] -= out[own].mean()
    return out
