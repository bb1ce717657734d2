"""The 18 classes of the mask / gender / age competition: label = mask * 6 + gender * 3 + age band."""

import numpy as np
import pandas as pd

ATTRIBUTES = {
    "mask": ("worn", "incorrect", "none"),
    "gender": ("male", "female"),
    "age": ("<30", "30-59", ">=60"),
}
SIZES = tuple(len(names) for names in ATTRIBUTES.values())
CLASSES = tuple(f"{m} {g} {a}" for m in ATTRIBUTES["mask"] for g in ATTRIBUTES["gender"] for a in ATTRIBUTES["age"])


def age_band(age: pd.Series | np.ndarray, *, young: int = 30, old: int = 60) -> np.ndarray:
    """Ages in years [N] to bands int64[N]: 0 below `young`, 2 from `old` on, 1 between."""
    years = np.asarray(age)
    return (years >= young).astype(np.int64) + (years >= old)


def encode(mask: np.ndarray, gender: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Attributes int64[N] each to labels int64[N] in 0..17."""
    return np.asarray(mask, np.int64) * 6 + np.asarray(gender, np.int64) * 3 + np.asarray(band, np.int64)


def decode(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Labels int64[N] in 0..17 to {attribute: int64[N]}; the inverse of `encode`."""
    mask, gender, band = np.unravel_index(np.asarray(labels, np.int64), SIZES)
    return {"mask": mask, "gender": gender, "age": band}
