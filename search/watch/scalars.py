"""The numbers of a report that become curves, in TensorBoard and elsewhere."""

import math

from trainable.training.report import Report

NAMES = ("loss", "score", "accuracy", "lr", "images_per_second", "seconds")


def scalars(report: Report) -> dict[str, float]:
    """{fold_<k>/<name>: value} of an epoch; what was not measured, or is not a number, is left out."""
    names = [*NAMES, *(n for n in report.metrics if n.startswith("accuracy_"))]
    values = {name: report.metrics.get(name, math.nan) for name in names}
    return {f"fold_{report.fold}/{n}": v for n, v in values.items() if not math.isnan(v)}
