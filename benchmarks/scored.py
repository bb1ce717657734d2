"""What benchmarks of scores share: gains with their error, what differs from a record."""

import json
from typing import Any

import numpy as np


def gain(differences: np.ndarray) -> dict[str, float | None]:
    """The mean of differences float[n], one a seed or data set, and its standard error; None of a single one."""
    error = float(differences.std(ddof=1) / np.sqrt(len(differences))) if len(differences) > 1 else None
    return {"mean": float(differences.mean()), "standard_error": error}


def differ(again: dict[str, Any], held: dict[str, Any]) -> list[str]:
    """The names of figures that were computed anew and are not as they were recorded."""
    return [name for name, value in again.items() if json.dumps(value) != json.dumps(held.get(name))]
