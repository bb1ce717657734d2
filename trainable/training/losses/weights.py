"""Class weights from the rows that train."""

import numpy as np

from trainable.errors import unknown

WEIGHTS = ("none", "power", "effective")


def effective_number(counts: np.ndarray, beta: float) -> np.ndarray:
    """(1 - beta^n) / (1 - beta) of counts n [C] (Cui 2019, https://arxiv.org/abs/1901.05555)."""
    return -np.expm1(counts * np.log(beta)) / (1 - beta) if beta > 0 else (counts > 0).astype(np.float64)


def class_weights(name: str, labels: np.ndarray, classes: int, *, power: float, beta: float) -> np.ndarray | None:
    """float64[C], their mean over the rows 1, so that the learning rate keeps its meaning; None for "none"."""
    if name not in WEIGHTS:
        raise unknown("class weights", name, WEIGHTS)
    if name == "none":
        return None
    counts = np.bincount(labels, minlength=classes)
    there = np.maximum(counts, 1)
    raw = there.astype(np.float64) ** -power if name == "power" else 1 / effective_number(there, beta)
    return raw * counts.sum() / (counts * raw).sum()
