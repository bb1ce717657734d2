"""What each choice of a parameter is worth, with its uncertainty, from trials that differ in everything at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FEWEST = 8  # trials that a statement takes
REPLICATES = 400
LEVELS = 8  # a number with more distinct values is no choice: it only adjusts the others
RIDGE = 1.0  # as if one trial of the mean score stood for every choice: rare choices are drawn to zero
DECADE = 10  # positive numbers over more than this enter by their logarithm


@dataclass(frozen=True)
class Effect:
    """What one choice gives above or below the mean of its parameter's choices, in points of the score.

    value: the median over draws of the trials; low, high: 90 % of the draws lie between them. trials: with the choice.
    """

    parameter: str
    level: str
    value: float
    low: float
    high: float
    trials: int


def effects(rows: Sequence[dict[str, Any]], scores: np.ndarray) -> list[Effect]:
    """The effect of every choice, by the size of its parameter's largest one.

    rows: the parameters of each trial. scores: float64[n], theirs. Empty for fewer than FEWEST trials, or where no
    parameter differs.
    """
    if len(rows) < FEWEST:
        return []
    choices, numbers = _parameters(rows)
    if not choices and not numbers:
        return []
    names, columns = _columns(rows, choices, numbers)
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(rows), size=len(rows)) for _ in range(REPLICATES)]
    again = np.array([_coefficients(columns[d], scores[d], names) for d in draws])
    low, middle, high = np.percentile(again, (5, 50, 95), axis=0)
    found = [
        Effect(parameter, level, float(middle[i]), float(low[i]), float(high[i]), int(columns[:, i].sum()))
        for i, (parameter, level) in enumerate(names)
    ]
    largest = {p: max(abs(e.value) for e in found if e.parameter == p) for p in choices}
    return sorted(found, key=lambda e: (-largest[e.parameter], e.parameter, -e.value))


def _parameters(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, list[str]], list[str]]:
    """{name: its levels} of those that are choices, and names of numbers; without those of a single value."""
    choices, numbers = {}, []
    for name in sorted({name for row in rows for name in row}):
        values = [row[name] for row in rows if row.get(name) is not None]
        levels = Counter(map(str, values))
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if len(levels) < 2:
            continue
        if len(levels) <= LEVELS and (min(levels.values()) > 1 or not numeric):
            choices[name] = sorted(levels)
        elif numeric:
            numbers.append(name)
    return choices, numbers


def _columns(
    rows: Sequence[dict[str, Any]], choices: dict[str, list[str]], numbers: Sequence[str]
) -> tuple[list[tuple[str, str]], np.ndarray]:
    """(parameter, level) of the first columns, and all columns float64 [n, D]: an indicator a level, then numbers.

    Where a trial lacks a parameter all its indicators are 0, as is a number after it is scaled to mean 0.
    """
    parts = [np.zeros((len(rows), 0))]
    if choices:
        words = [[str(row[name]) if row.get(name) is not None else "" for name in choices] for row in rows]
        encoder = OneHotEncoder(categories=[*choices.values()], handle_unknown="ignore", sparse_output=False)
        parts.append(encoder.fit_transform(words))
    if numbers:
        values = np.array([[np.nan if row.get(n) is None else float(row[n]) for n in numbers] for row in rows])
        low, high = np.nanmin(values, 0), np.nanmax(values, 0)
        wide = (low > 0) & (high > DECADE * low)
        values[:, wide] = np.log(values[:, wide])
        parts.append(np.nan_to_num(StandardScaler().fit_transform(values)))
    return [(name, level) for name, levels in choices.items() for level in levels], np.hstack(parts)


def _coefficients(columns: np.ndarray, scores: np.ndarray, names: Sequence[tuple[str, str]]) -> np.ndarray:
    """Of each level: its coefficient in a ridge regression, less the mean over the levels of its parameter."""
    out = np.asarray(Ridge(alpha=RIDGE).fit(columns, scores).coef_[: len(names)])
    owners = np.array([parameter for parameter, _ in names])
    for owner in set(owners.tolist()):
        out[owners == owner] -= out[owners == owner].mean()
    return out
