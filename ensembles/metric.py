"""The metric that a vote is chosen by and scored with, however it was asked for."""

from collections.abc import Sequence

from trainable.metrics import Asked, Metric, get, is_named

AnyMetric = Asked | Metric


def as_metric(asked: AnyMetric, classes: int) -> Metric:
    """A metric over so many classes; where it is asked for by name the classes go by their numbers, "0" and so on.

    Raises InputError where `trainable.metrics.get` does, and ValueError for a Metric over another number of classes.
    """
    if not isinstance(asked, Metric):
        return get(asked, [str(c) for c in range(classes)])
    if len(asked.classes) != classes:
        raise ValueError(f"metric {asked.name} is over {len(asked.classes)} classes, the probabilities have {classes}")
    return asked


def shown_metric(name: str, classes: Sequence[str]) -> Metric:
    """A recorded metric for showing scores; that of a function has no score of its own, which its run alone knows."""
    return get(name, classes) if is_named(name) else Metric(name, "probabilities", name, tuple(classes))
