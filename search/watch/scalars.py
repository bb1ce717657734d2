"""The numbers of a report that become curves, in TensorBoard and elsewhere."""

import math
from typing import Any

SCALARS = (
    "loss",
    "macro_f1",
    "accuracy",
    "accuracy_mask",
    "accuracy_gender",
    "accuracy_age",
    "lr",
    "images_per_second",
    "seconds",
)


def scalars(report: dict[str, Any]) -> dict[str, float]:
    """{fold_<k>/<name>: value} of an epoch's report; what was not measured, or is not a number, is left out."""
    values = {name: report["metrics"].get(name) for name in SCALARS}
    return {f"fold_{report['fold']}/{n}": v for n, v in values.items() if v is not None and not math.isnan(v)}
