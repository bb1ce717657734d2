"""What is known of rows beside their votes: further columns of the tables, and what belongs together.

Columns become numbers: one of numbers as it is, one of words as a 0 or 1 a value; both standardised, so that 0 stands
for what is not known: an empty cell, a value that training did not have, a column that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainable.data.values import NOBODY

MOST_VALUES = 20  # of a column of words: a coefficient a value and class
LEAST_ROWS = 5  # that a value must have
Encoding = dict[str, Any]


@dataclass(frozen=True)
class RowFacts:
    """columns: {name: str[N]}. group: int64[N], rows of one number belong together; None where nothing says."""

    columns: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    group: NDArray[np.int64] | None = None

    def of(self, rows: NDArray[np.int64]) -> RowFacts:
        """Of some rows alone."""
        group = None if self.group is None else self.group[rows]
        return RowFacts({name: column[rows] for name, column in self.columns.items()}, group)


def encodings(columns: Mapping[str, NDArray[np.str_]]) -> list[Encoding]:
    """How each column becomes numbers, for JSON; columns that tell rows of training nothing apart are left out."""
    found: list[Encoding] = []
    for name, column in columns.items():
        there = column[_said(column)]
        values, counts = np.unique(there, return_counts=True)
        if len(values) < 2:
            continue
        numbers = _numbers(column)
        if numbers is not None and len(values) > 2:
            known = numbers[np.isfinite(numbers)]
            found.append({"name": name, "mean": float(known.mean()), "spread": float(known.std())})
            continue
        often = np.argsort(-counts, kind="stable")[:MOST_VALUES]
        kept = sorted(values[t] for t in often if LEAST_ROWS <= counts[t] <= len(column) - LEAST_ROWS)
        if kept and len(values) <= len(column) / LEAST_ROWS:  # else it names rows
            share = [float((there == value).mean()) for value in kept]
            rare = sorted(set(values.tolist()) - set(kept))
            found.append({"name": name, "values": kept, "shares": share, "rare": rare})
    return found


def encoded(columns: Mapping[str, NDArray[np.str_]], how: Sequence[Encoding], rows: int) -> NDArray[np.float64]:
    """float64 [rows, E], standardised by the rows that `how` was made of; 0 where nothing is known."""
    parts = [np.zeros((rows, 0))]
    for one in how:
        column = columns.get(one["name"])
        if "values" not in one:
            numbers = None if column is None else _numbers(column)
            told = np.zeros(rows) if numbers is None else (numbers - one["mean"]) / one["spread"]
            parts.append(np.nan_to_num(told)[:, None])
            continue
        share = np.array(one["shares"])
        told = np.zeros((rows, len(share)))
        if column is not None:
            known = _said(column) & np.isin(column, [*one["values"], *one["rare"]])
            same = column[known][:, None] == np.array(one["values"])
            told[known] = (same - share) / np.sqrt(share * (1 - share))
        parts.append(told)
    return np.concatenate(parts, axis=1)


def of_others(values: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean [N, C] of the values [N, C] of a row's group without the row; 0 where it is alone."""
    _, number = np.unique(group, return_inverse=True)
    sums = np.zeros((number.max(initial=-1) + 1, values.shape[1]))
    np.add.at(sums, number, values)
    others = np.bincount(number)[number] - 1
    return np.asarray((sums[number] - values) / np.maximum(others, 1)[:, None] * (others > 0)[:, None])


def _said(column: NDArray[np.str_]) -> NDArray[np.bool_]:
    return ~np.isin(np.char.lower(column), sorted(NOBODY))


def _numbers(column: NDArray[np.str_]) -> NDArray[np.float64] | None:
    """float64[N], NaN where a cell says nothing; None where one says something else than a number."""
    said, found = _said(column), np.full(len(column), np.nan)
    try:
        found[said] = column[said].astype(np.float64)
    except ValueError:
        return None
    return found if np.isfinite(found[said]).all() else None
