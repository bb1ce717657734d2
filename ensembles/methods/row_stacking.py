"""Stacking that also looks at what is known of a row: further columns, and what members say of its group's other rows.

The regression of `stacking` with more inputs under the same penalty. Where nothing is known of a row it votes as the
regression does on the average row: an input of 0 each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ensembles.methods.base import Array, Context, Method, Parameters, Scores
from ensembles.methods.row_facts import RowFacts, encoded, encodings, of_others
from ensembles.methods.stacking import apply_stacking, fit_beside, logits, logs_of, unfit
from ensembles.methods.vote import best_members

NOTHING_KNOWN = RowFacts()


def _of_group(probabilities: Array, best: list[int], facts: RowFacts) -> NDArray[np.float64]:
    """Mean of the other rows' pooled log-probabilities, around their mean over classes: [N, C], or [N, 0]."""
    if facts.group is None:
        return np.zeros((probabilities.shape[1], 0))
    pool = logs_of(probabilities[best]).mean(axis=0)
    return of_others(pool - pool.mean(axis=1, keepdims=True), facts.group)


def _fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
    facts = NOTHING_KNOWN if context.facts is None else context.facts
    best = best_members(probabilities, labels, context.metric)
    how, others = encodings(facts.columns), _of_group(probabilities, best, facts)
    spread = float(np.sqrt(np.mean(others**2))) if others.any() else 0.0
    if not spread:  # every row is alone
        others = others[:, :0]
    beside = np.c_[encoded(facts.columns, how, len(labels)), others / (spread or 1)]
    parameters, matrix = fit_beside(probabilities, labels, best, beside)
    width = beside.shape[1] - others.shape[1]
    of_group = (matrix[width:] / (spread or 1)).tolist()
    return {**parameters, "columns": how, "of_columns": matrix[:width].tolist(), "of_group": of_group}


def _apply_knowing(probabilities: Array, parameters: Parameters, facts: RowFacts) -> Scores:
    total, rows = logits(probabilities, parameters), probabilities.shape[1]
    if parameters["of_columns"]:
        total += encoded(facts.columns, parameters["columns"], rows) @ np.array(parameters["of_columns"])
    if parameters["of_group"] and facts.group is not None:
        best = [t for t, weight in enumerate(parameters["weights"]) if weight]
        total += _of_group(probabilities, best, facts) @ np.array(parameters["of_group"])
    return np.asarray(softmax(total, axis=1))


ROW_STACKING = Method("row_stacking", _fit, apply_stacking, unfit, compared=False, apply_knowing=_apply_knowing)
"""By name alone: what it stands on, data have or have not, and the bank's have none but groups."""
