"""The factor on logits that gives held-back rows their best likelihood."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

REACH = 6.0  # of the factor's logarithm, either way


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood of labels int64[n] under logits [n, C], a row counting 20 nats at most."""
    chosen = np.take_along_axis(log_softmax(logits, 1), labels[:, None], 1)
    return float(-np.maximum(chosen, -20.0).mean())


def best_scale(parts: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """The factor for (logits [n, C], labels int64[n]) of several held-back parts together.

    Source: temperature scaling, Guo 2017, https://arxiv.org/abs/1706.04599.
    """
    logits = np.concatenate([part for part, _ in parts]).astype(np.float64)
    labels = np.concatenate([part for _, part in parts])
    logits = logits - logsumexp(logits, 1)[:, None]
    found = minimize_scalar(lambda power: log_loss(logits * np.exp(power), labels), bounds=(-REACH, REACH))
    return float(np.exp(found.x))
