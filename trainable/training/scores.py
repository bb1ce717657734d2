"""What predictions are worth: the run's score, and accuracies beside it."""

import math

import numpy as np

from trainable.data.attributes import PLAIN, Attributes
from trainable.metrics import Metric, accuracy


def scores_of(
    labels: np.ndarray, probabilities: np.ndarray, metric: Metric, *, made_of: Attributes = PLAIN
) -> dict[str, float]:
    """{"score", "accuracy", of each attribute "accuracy_<attribute>"} of labels int64[N], probabilities [N, C].

    NaN when the network diverged, or where there are no rows.
    """
    if not len(labels) or not np.isfinite(probabilities).all():
        return {"score": math.nan, "accuracy": math.nan}
    predicted = probabilities.argmax(1)
    found = {"score": metric.score(labels, probabilities), "accuracy": accuracy(labels, predicted)}
    given, guessed = made_of.decode(labels), made_of.decode(predicted)
    return found | {f"accuracy_{a}": float((given[a] == guessed[a]).mean()) for a in given}
