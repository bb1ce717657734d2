"""The table that methods are chosen from: a row a method, and the rule that picks one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainable.metrics import Metric

AUTO = "auto"
PAIRED = 2

# What `auto` takes where it cannot tell methods apart: the steadiest first. "Simplest first" would be the single best
# member, and that is the least steady choice of all: picking one of many alike members fits noise, and on generated
# problems it cost up to thirteen points of test macro-F1, where the first of this list cost at most half a point.
PREFERENCE = (
    "log_pool",
    "mean_top5",
    "geometric_mean",
    "bagged_greedy",
    "hard_vote",
    "greedy",
    "temperature_greedy",
    "per_attribute",
    "cma_weights",
    "class_offsets",
    "best_single",
)
CALIBRATED = ("log_pool", "temperature_greedy")  # come first where the metric is of the probabilities themselves


@dataclass(frozen=True)
class Row:
    """What is known of one method.

    in_sample: its score on the rows it was fitted on. nested: its score where every fold is predicted by a fit on the
    others. standard_error: of `nested`. behind, behind_error: how far `nested` is below the best method's, and the
    standard error of that difference. optimism: in_sample - nested. members: how many have a weight. seconds: all fits.
    """

    method: str
    in_sample: float
    nested: float
    standard_error: float
    behind: float
    behind_error: float
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
                optimism=in_sample[name] - nested,
                members=members[name],
                seconds=seconds[name],
            )
        )
    return rows


def preference(metric: Metric) -> tuple[str, ...]:
    """Names of all methods in the order that `auto` prefers them in: under log loss and Brier score calibration first.

    These say how sure a vote may be, and a mean of members that were trained with mixing or label smoothing does not.
    """
    if not metric.loss:
        return PREFERENCE
    return (*CALIBRATED, *(name for name in PREFERENCE if name not in CALIBRATED))


def choose(rows: Sequence[Row], order: Sequence[str] = PREFERENCE) -> Row:
    """The first in that order of names that is hardly behind the best of `rows`.

    Hardly: at most one standard error of the best score, and at most PAIRED standard errors of the difference, which is
    known far better. One of the latter would be too few: of ten methods that are equally good the best is more than one
    ahead of any given other in most problems.
    """
    found = [row for row in rows if row.method != AUTO]
    best = max(found, key=lambda row: row.nested)
    near = [row for row in found if row.behind <= min(best.standard_error, PAIRED * row.behind_error)]
    return min(near, key=lambda row: order.index(row.method))
