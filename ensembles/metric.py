"""The metric that a vote is chosen by and scored with."""

import numpy as np

from trainable.errors import unknown
from trainable.metrics import macro_f1

MACRO_F1 = "macro_f1"
SHOWN = {MACRO_F1: "macro-F1"}  # every metric that votes know, under the name that people read


def check_metric(metric: str) -> None:
    """Raises InputError, which names the known metrics, where `metric` is none of them."""
    if metric not in SHOWN:
        raise unknown("metric", metric, SHOWN)


def score_of(labels: np.ndarray, probabilities: np.ndarray, metric: str = MACRO_F1) -> float:
    """What probabilities [N, C] are worth for labels int[N]; the class of a row is its largest probability.

    Raises InputError for an unknown metric.
    """
    check_metric(metric)
    return macro_f1(labels, probabilities.argmax(1), probabilities.shape[1])
