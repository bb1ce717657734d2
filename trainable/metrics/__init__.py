"""What predictions are worth: one table of metrics, each equal to scikit-learn's, with numpy alone.

`get(name_or_function, classes)` makes a `Metric`; a trial's score is by default `macro_f1`, the plain mean of the F1 of
every class.
"""

from trainable.metrics.confusion import accuracy, confusion, f1_from_counts, f1_per_class, macro_f1
from trainable.metrics.counts import Counts, credit_of
from trainable.metrics.metric import Kind, Metric, Score
from trainable.metrics.table import MACRO_F1, METRICS, NAMES, Asked, check_asked, get, is_loss, is_named, name_of

__all__ = [
    "MACRO_F1",
    "METRICS",
    "NAMES",
    "Asked",
    "Counts",
    "Kind",
    "Metric",
    "Score",
    "accuracy",
    "check_asked",
    "confusion",
    "credit_of",
    "f1_from_counts",
    "f1_per_class",
    "get",
    "is_loss",
    "is_named",
    "macro_f1",
    "name_of",
]
