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
def winners(scores: Any, half: Any, first: int, last: int, found: Ints) -> None:
    """The largest class of rows first..last-1 of scores [N, C], the lowest where several are equal, to found[0:].

    Four rows at once: each row's comparisons wait for one another, those of different rows do not.
    """
    classes = scores.shape[1]
    n = first
    while n < last:
        # What is left at the end is done by a block that overlaps the last one, where there are rows enough.
        if n + 4 > last and last - first >= 4:
            n = last - 4
        if n + 4 <= last:
            best0, best1 = _value(scores[n, 0], half), _value(scores[n + 1, 0], half)
            best2, best3 = _value(scores[n + 2, 0], half), _value(scores[n + 3, 0], half)
            top0 = top1 = top2 = top3 = 0
            for c in range(1, classes):
                value0, value1 = _value(scores[n, c], half), _value(scores[n + 1, c], half)
                value2, value3 = _value(scores[n + 2, c], half), _value(scores[n + 3, c], half)
                if value0 > best0:
                    best0, top0 = value0, c
                if value1 > best1:
                    best1, top1 = value1, c
                if value2 > best2:
                    best2, top2 = value2, c
                if value3 > best3:
                    best3, top3 = value3, c
            place = n - first
            found[place], found[place + 1], found[place + 2], found[place + 3] = top0, top1, top2, top3
            n += 4
        else:
            best0, top0 = _value(scores[n, 0], half), 0
            for c in range(1, classes):
                value0 = _value(scores[n, c], half)
                if value0 > best0:
                    best0, top0 = value0, c
            found[n - first] = top0
            n += 1


@compiled
def read_members(
    raw: Any,
    half: Any,
    labels: Ints,
    power: int,
    first: int,
    last: int,
    highest: Any,
    low: Any,
    high: Any,
    counts: Ints,
) -> bool:
    """One pass over rows first..last-1 of all members: each one's own counts, and the range of every row and class.

    Fills low and high [N, C] (over members), adds to counts; False if a cell is outside 0..highest or NaN. highest: of
    the type of low.
    """
    members, _, classes = raw.shape
    wrong = 0
    block = 128  # rows: their low and high stay in the cache while every member is read
    top = np.empty(block, np.int64)
    for start in range(first, last, block):
        stop = min(start + block, last)
        for n in range(start, stop):
            for c in range(classes):
                low[n, c] = high[n, c] = _value(raw[0, n, c], half)
        for t in range(members):
            for n in range(start, stop):
                for c in range(classes):
                    value = _value(raw[t, n, c], half)
                    wrong |= (not value >= 0.0) | (not value <= highest)
                    low[n, c] = value if value < low[n, c] else low[n, c]
                    high[n, c] = value if value > high[n, c] else high[n, c]
            winners(raw[t], half, start, stop, top)
            for n in range(start, stop):
                winner = top[n - start]
                counts[1, winner, t] += 1
                counts[0, winner, t] += row_credit(labels[n], winner, power)
    return wrong == 0


@compiled
def add_member(raw: Any, half: Any, member: int, labels: Ints, power: int, total: Floats, top: Ints, now: Ints) -> None:
    """Adds a member to total [N, C]; writes winners to top [N], their credit and predictions to now [2, C]."""
    rows, classes = total.shape
    now[:] = 0
    block = 128
    for start in range(0, rows, block):
        stop = min(start + block, rows)
        for n in range(start, stop):
            for c in range(classes):
                total[n, c] += _value(raw[member, n, c], half)
        winners(total, half, start, stop, top[start:stop])
        for n in range(start, stop):
            winner = top[n]
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
        able = 0
        for c in range(total.shape[1]):
            able += total[n, c] + high[n, c] >= least
        if able == 1:  # the winner itself
            continue
        for c in range(total.shape[1]):
            if total[n, c] + high[n, c] >= least:
                kept[end] = c
                sums[end] = total[n, c]
                end += 1
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
def _move(counts: Ints, moved: Ints, source: int, goal: int, lost: int, won: int) -> None:
    """Takes a row from the class `source` to `goal` in counts [2, C, T], for the candidates where moved [T] is 1."""
    for t in range(len(moved)):
        counts[1, source, t] -= moved[t]
    for t in range(len(moved)):
        counts[1, goal, t] += moved[t]
    if lost:
        for t in range(len(moved)):
            counts[0, source, t] -= lost * moved[t]
    if won:
        for t in range(len(moved)):
            counts[0, goal, t] += won * moved[t]


@compiled
def _change(counts: Ints, winner: Ints, c: int, before: bool, credit: int) -> None:
    """What a row changes of class c in counts [2, C, T], its winner being winner [T]; before: whether c was it."""
    if before:
        for t in range(len(winner)):
            counts[1, c, t] -= winner[t] != c
        if credit:
            for t in range(len(winner)):
                counts[0, c, t] -= credit * (winner[t] != c)
    else:
        for t in range(len(winner)):
            counts[1, c, t] += winner[t] == c
        if credit:
            for t in range(len(winner)):
                counts[0, c, t] += credit * (winner[t] == c)


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
            if starts[i + 1] - starts[i] == 2:  # most rows
                j = starts[i]
                one = columns[slots[j]] if slots[j] >= 0 else spare[j - begin]
                other = columns[slots[j + 1]] if slots[j + 1] >= 0 else spare[j + 1 - begin]
                stays = before == kept[j]  # of equals the lower class wins
                gains = kept[j + 1] if stays else kept[j]
                for t in range(members):
                    winner[t] = (sums[j + 1] + other[t] > sums[j] + one[t]) == stays
                _move(counts, winner, before, gains, row_credit(label, before, power), row_credit(label, gains, power))
                continue
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
                _change(counts, winner, c, c == before, row_credit(label, c, power))
