"""What a vote would predict if one more member joined it, for every member at once: compiled.

`raw` [T, N, C] is float32 or float64, or uint16: the bits of a float16, which numba cannot read; `half`, a
table of all 65,536 values, translates. `counts` int64[2, C, T] holds, for each candidate, the credit and predictions
of each class; `power` says what a row adds to the credit (trainable.metrics.credit_of): with 0, its hit.

An "entry" is a class that can still win an open row. Members lie far apart in memory, so that reading one cell
of each costs a cache miss a member: an entry's column of T values is copied to `columns` once, and read from
there ever after.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

from ensembles.greedy.compiled import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def _value(cell: Any, half: Any) -> Any:
    """Number that a cell of `raw` stands for (in compiled code, where `_value_compiled` takes its place)."""
    raise NotImplementedError


@overload(_value, inline="always")
def _value_compiled(cell: Any, half: Any) -> Any:
    def look_up(cell: Any, half: Any) -> Any:
        return half[cell]

    def as_it_is(cell: Any, half: Any) -> Any:
        return cell

    return look_up if isinstance(cell, types.Integer) else as_it_is


@compiled
def row_credit(label: int, winner: int, power: int) -> int:
    """trainable.metrics.credit_of, of one row."""
    if power == 0:
        return 1 if label == winner else 0
    away = abs(label - winner)
    return away if power == 1 else away * away


@compiled
def read_members(
    raw: Any,
    half: Any,
    labels: Ints,
    power: int,
    first: int,
    last: int,
    highest: float,
    low: Any,
    high: Any,
    counts: Ints,
) -> bool:
    """One pass over rows first..last-1 of all members: each one's own counts, and the range of every row and class.

    Fills low and high [N, C] (over members), adds to counts; False if a cell is outside 0..highest or NaN.
    """
    members, _, classes = raw.shape
    fine = True
    block = 128  # rows: their low and high stay in the cache while every member is read
    for start in range(first, last, block):
        stop = min(start + block, last)
        for n in range(start, stop):
            for c in range(classes):
                low[n, c] = np.inf
                high[n, c] = -np.inf
        for t in range(members):
            for n in range(start, stop):
                best = -np.inf
                for c in range(classes):
                    value = _value(raw[t, n, c], half)
                    fine &= (value >= 0.0) & (value <= highest)
                    low[n, c] = min(low[n, c], value)
                    high[n, c] = max(high[n, c], value)
                    best = max(best, value)
                winner = 0
                while winner < classes - 1 and _value(raw[t, n, winner], half) != best:
                    winner += 1
                counts[1, winner, t] += 1
                counts[0, winner, t] += row_credit(labels[n], winner, power)
    return fine


@compiled
def add_member(raw: Any, half: Any, member: int, labels: Ints, power: int, total: Floats, top: Ints, now: Ints) -> None:
    """Adds a member to total [N, C]; writes winners to top [N], their credit and predictions to now [2, C]."""
    rows, classes = total.shape
    now[:] = 0
    for n in range(rows):
        winner = 0
        for c in range(classes):
            total[n, c] += _value(raw[member, n, c], half)
            if total[n, c] > total[n, winner]:
                winner = c
        top[n] = winner
        now[1, winner] += 1
        now[0, winner] += row_credit(labels[n], winner, power)


@compiled
def open_rows(total: Floats, top: Ints, low: Any, high: Any, rows: Ints, starts: Ints, kept: Ints, sums: Floats) -> int:
    """Lists the rows whose winner some member could change, and their entries; returns how many rows.

    Class c can beat the winner w only if total[c] + max_t p[t, c] >= total[w] + min_t p[t, w]. Row i of the list is
    rows[i]; its classes are kept[starts[i] : starts[i + 1]], ascending, with their totals in sums.
    """
    found = 0
    end = 0
    starts[0] = 0
    for n in range(total.shape[0]):
        least = total[n, top[n]] + low[n, top[n]]
        begin = end
        for c in range(total.shape[1]):
            if c == top[n] or total[n, c] + high[n, c] >= least:
                kept[end] = c
                sums[end] = total[n, c]
                end += 1
        if end - begin == 1:
            end = begin
            continue
        rows[found] = n
        found += 1
        starts[found] = end
    return found


@compiled
def place_entries(
    rows: Ints, starts: Ints, kept: Ints, found: int, place: Any, used: int, room: int, slots: Ints
) -> tuple[int, int]:
    """slots[j] = column of entry j, -1 where there is no room left; returns the first new column and their end.

    place int32[N, C] remembers the column of an entry, -1 for none. Where the old columns leave too little room for an
    otherwise fitting list, they are given up.
    """
    missing = 0
    for i in range(found):
        for j in range(starts[i], starts[i + 1]):
            missing += place[rows[i], kept[j]] < 0
    if used + missing > room and starts[found] <= room:
        place[:] = -1
        used = 0
    fresh = used
    for i in range(found):
        for j in range(starts[i], starts[i + 1]):
            slot = place[rows[i], kept[j]]
            if slot < 0 and used < room:
                slot = used
                place[rows[i], kept[j]] = slot
                used += 1
            slots[j] = slot
    return fresh, used


@compiled
def try_members(
    raw: Any,
    half: Any,
    labels: Ints,
    power: int,
    top: Ints,
    rows: Ints,
    starts: Ints,
    kept: Ints,
    sums: Floats,
    slots: Ints,
    fresh: int,
    columns: Any,
    first: int,
    last: int,
    counts: Ints,
) -> None:
    """Adds to counts what each candidate changes in the open rows first..last-1; columns from `fresh` on are filled."""
    members, _, classes = raw.shape
    block = 16  # rows whose entries are fetched together
    spare = np.empty((block * classes, members), columns.dtype)
    best = np.empty(members)
    winner = np.empty(members, np.int64)
    for start in range(first, last, block):
        stop = min(start + block, last)
        begin = starts[start]
        for t in range(members):
            for i in range(start, stop):
                for j in range(starts[i], starts[i + 1]):
                    if slots[j] >= fresh:
                        columns[slots[j], t] = _value(raw[t, rows[i], kept[j]], half)
                    elif slots[j] < 0:
                        spare[j - begin, t] = _value(raw[t, rows[i], kept[j]], half)
        for i in range(start, stop):
            before = top[rows[i]]
            label = labels[rows[i]]
            best[:] = -1.0
            for j in range(starts[i], starts[i + 1]):
                column = columns[slots[j]] if slots[j] >= 0 else spare[j - begin]
                for t in range(members):
                    value = sums[j] + column[t]
                    higher = value > best[t]
                    best[t] = value if higher else best[t]
                    winner[t] = kept[j] if higher else winner[t]
            for j in range(starts[i], starts[i + 1]):
                c = kept[j]
                credit = row_credit(label, c, power)
                if c == before:
                    for t in range(members):
                        counts[1, c, t] -= winner[t] != c
                    if credit:
                        for t in range(members):
                            counts[0, c, t] -= credit * (winner[t] != c)
                else:
                    for t in range(members):
                        counts[1, c, t] += winner[t] == c
                    if credit:
                        for t in range(members):
                            counts[0, c, t] += credit * (winner[t] == c)
