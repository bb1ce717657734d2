"""The table that methods are chosen from: a row a method, and the rule that picks one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AUTO = "auto"
PAIRED, CLEAR = 2, 3  # standard errors of a difference

# What `auto` blends: fits that look at by how much each row is right, and a plain mean. Methods that search on the
# metric itself are taken only where they are clearly ahead: on the part of the bank that was for choosing
# (benchmarks.vote, docs/decisions/035) betting on one of them cost more than it brought.
STEADY = ("attribute_pool", "log_pool", "geometric_mean")
PREFERENCE = (*STEADY, "mean_top5", "per_attribute", "bagged_greedy", "hard_vote", "greedy", "best_single")


@dataclass(frozen=True)
class Row:
    """What is known of one method.

    in_sample: its score on the rows it was fitted on. nested: its score where every fold is predicted by a fit on the
    others. standard_error: of `nested`. behind, behind_error: how far `nested` is below the best method's, and the
    standard error of that difference. single_error: of its difference to the best single member's, NaN without that
    method. optimism: in_sample - nested. members: how many have a weight. seconds: all fits.
    """

    method: str
    in_sample: float
    nested: float
    standard_error: float
    behind: float
    behind_error: float
    single_error: float
    optimism: float
    members: int
    seconds: float


def make_rows(
    scores: Mapping[str, NDArray[np.float64]],
    in_sample: Mapping[str, float],
    members: Mapping[str, int],
    seconds: Mapping[str, float],
) -> list[Row]:
    """A row for each method of `scores`, whose values are nested scores as `Bootstrap.scores` gives them."""
    best = scores[max((name for name in scores if name != AUTO), key=lambda name: scores[name][0])]
    single = scores.get("best_single", np.array([np.nan]))
    rows = []
    for name, score in scores.items():
        nested, behind = float(score[0]), best - score
        rows.append(
            Row(
                method=name,
                in_sample=in_sample[name],
                nested=nested,
                standard_error=float(score[1:].std()),
                behind=float(behind[0]),
                behind_error=float(behind[1:].std()),
                single_error=float((score - single)[1:].std()),
                optimism=in_sample[name] - nested,
                members=members[name],
                seconds=seconds[name],
            )
        )
    return rows


def taken(rows: Sequence[Row]) -> list[str]:
    """The methods that `auto` blends, of those in `rows`, in the order of PREFERENCE.

    Where classes are products, the pool of each attribute alone if it is hardly behind the best. Else the steady
    methods that cannot be told apart, one standard error of the difference or less behind the better, unless some other
    method is clearly ahead of them: then that one.
    """
    found = {row.method: row for row in rows if row.method != AUTO}
    best = max(found.values(), key=lambda row: row.nested)

    def hardly_behind(row: Row, ahead: Row, errors: float) -> bool:
        return ahead.nested - row.nested <= min(ahead.standard_error, errors * row.behind_error)

    steady = [found[name] for name in STEADY if name in found]
    if steady and steady[0].method == STEADY[0] and hardly_behind(steady[0], best, PAIRED):
        return [STEADY[0]]
    if not steady:
        near = (name for name in PREFERENCE if name in found and hardly_behind(found[name], best, PAIRED))
        return [next(near, best.method)]  # asked for by name, and clearly ahead of the best single member
    first = max(steady, key=lambda row: row.nested)
    if not hardly_behind(first, best, CLEAR):
        return [best.method]
    return [row.method for row in steady if hardly_behind(row, first, 1)]
