"""What TensorBoard calls trials and tags. It sorts both by name, so that names decide what is seen first."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

FIRST = ("backbone", "lr")  # what a person asks of a trial before all else
WORDS, LONGEST = 3, 32  # values in a trial's name, and letters of each
CURVES = ("loss", "score")


def trial_name(number: int, parameters: Mapping[str, Any], trial_id: str) -> str:
    """`003_resnet18_lr=0.0042_light_487cb2ab7ff1`, as a folder may be called: number, what it tries, id."""
    ordered = first(parameters)
    texts = [n for n in ordered if isinstance(parameters[n], str)]
    numbers = [n for n in ordered if isinstance(parameters[n], int | float) and not isinstance(parameters[n], bool)]
    chosen = first([*texts, *numbers])[:WORDS]
    words = [parameters[n] if n in texts else f"{n}={parameters[n]:.2g}" for n in chosen]
    return "_".join([f"{number:03}", *(re.sub(r"[^\w.+=-]+", "-", word)[:LONGEST] for word in words), trial_id])


def first(names: Iterable[str]) -> list[str]:
    """The names with those of FIRST first, else in their order."""
    return sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))


def scalar_tag(name: str) -> str:
    """fold_<k>/<name> under a heading: curves, which comes before all other headings, or details."""
    return f"{'curves' if name.rpartition('/')[2] in CURVES else 'details'}/{name}"


def f1_tag(fold: int, label: str) -> str:
    return f"f1/fold_{fold}/{label}"


def picture_tag(name: str) -> str:
    return f"pictures/{name}"
