"""Heads that need the rows themselves: logistic regression along a path of penalties, and nearest neighbours."""

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from trainable.data.pseudo_labels import SoftLabels
from trainable.features.closed import NEVER, Linear
from trainable.models.fitted import cosines, neighbours_vote

ITERATIONS = 300
TOLERANCE = 1e-3
LEAST = 1e-3  # share of a class that a soft label is learnt of


Counted = tuple[np.ndarray, np.ndarray, np.ndarray]


def spread(rows: np.ndarray, soft: SoftLabels | None) -> Counted | None:
    """Rows int64[n] of which some are of several classes, as rows of one class each that count for a share.

    (place int64[m] among `rows`, class int64[m], share float[m]) of the soft ones; shares below LEAST are left out.
    """
    if soft is None:
        return None
    which, label = np.nonzero(soft.shares >= LEAST)
    return np.searchsorted(rows, soft.rows)[which], label, soft.shares[which, label]


def logistic_path(
    values: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    shrinkages: Sequence[float],
    *,
    counted: np.ndarray | None = None,
    soft: Counted | None = None,
) -> dict[float, Linear]:
    """Multinomial logistic regression on features float32 [n, D] for each shrinkage, from the strongest on.

    labels: int64[n]. weights: float64[C], of the rows of a class; counted: float64[n], of each row beside it (None: 1).
    The penalty on features of deviation 1 is
    shrinkage / (1 - shrinkage) times half the squared norm, beside the mean loss of a row; each fit begins where the
    one before ended. scikit-learn's, by L-BFGS. soft: rows that count for several classes, as `spread` gives them.
    """
    mean, deviation = values.mean(0, dtype=np.float64), values.std(0, dtype=np.float64)
    if counted is not None:
        share = counted / counted.sum()
        mean = share @ values
        deviation = np.sqrt(np.maximum(share @ values**2 - mean**2, 0.0))
    deviation = np.where(deviation > 1e-6, deviation, 1.0)
    scaled = ((values - mean) / deviation).astype(np.float32)
    row, found = weights[labels] * (1.0 if counted is None else counted), {}
    if soft is not None:
        place, label, share = soft
        hard = np.setdiff1d(np.arange(len(labels)), place)
        own = weights[label] * share * (1.0 if counted is None else counted[place])
        scaled, labels = np.concatenate([scaled[hard], scaled[place]]), np.concatenate([labels[hard], label])
        row = np.concatenate([row[hard], own])
    model = LogisticRegression(max_iter=ITERATIONS, tol=TOLERANCE, warm_start=True)
    for shrinkage in sorted(set(shrinkages), reverse=True):
        model.C = (1 - shrinkage) / shrinkage / row.sum()
        model.fit(scaled, labels, sample_weight=row)
        found[shrinkage] = _of_all_classes(model, len(weights), mean, deviation)
    return found


def _of_all_classes(model: LogisticRegression, classes: int, mean: np.ndarray, deviation: np.ndarray) -> Linear:
    """The head on features as they are, with classes that had no row; two classes have one unit in scikit-learn."""
    own, intercept = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    if len(own) == 1:
        own, intercept = np.concatenate([-own, own]) / 2, np.concatenate([-intercept, intercept]) / 2
    weight, bias = np.zeros((classes, own.shape[1])), np.full(classes, NEVER)
    weight[model.classes_] = own / deviation
    bias[model.classes_] = intercept - (own / deviation) @ mean
    return Linear(weight, bias)


def unit_rows(values: np.ndarray) -> torch.Tensor:
    """A bank of neighbours, float16 [n, D] of length 1, of features float32 [n, D]."""
    return torch.nn.functional.normalize(torch.from_numpy(values), dim=1).half()


def neighbours_logits(
    bank: torch.Tensor, label: np.ndarray, votes: np.ndarray, values: np.ndarray, counts: Sequence[int], classes: int
) -> dict[int, np.ndarray]:
    """{k: log-probabilities float32 [n, C]} of features float32 [n, D] by their k nearest rows of a bank [m, D].

    label: int64[m]. votes: float64[m], how much each row of the bank counts.
    """
    labels, weights = torch.from_numpy(label), torch.from_numpy(votes).float()
    found: dict[int, list[torch.Tensor]] = {count: [] for count in counts}
    for some in torch.from_numpy(values).split(1024):
        near, rows = cosines(some, bank).topk(min(max(counts), len(bank)), 1)
        for count, parts in found.items():
            own = rows[:, :count]
            parts.append(neighbours_vote(near[:, :count], labels[own], weights[own], classes))
    return {count: torch.cat(parts).numpy() for count, parts in found.items()}
