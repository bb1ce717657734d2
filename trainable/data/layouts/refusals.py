"""Tasks that are not one label a photo, each recognised by its label column and refused in a sentence."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from trainable.data.values import clean, numbers
from trainable.errors import InputError
from trainable.words import few

SEPARATORS = re.compile(r"[\s|;,]+")
MANY = 1000  # classes from which tables of predictions are large enough to be said aloud
LATER = "are not for this version"


def refuse_other_tasks(labels: pd.Series, column: str, source: object) -> None:
    """InputError for several labels a photo, for a number a photo, and for labels that hardly repeat."""
    distinct = [str(value) for value in labels.unique()]
    if several := _several(distinct):
        raise InputError(
            f"{source}: several labels a photo in column {column}: received {few(map(repr, several))}; allowed: one "
            f"label a photo (multi-label tasks {LATER})"
        )
    values = numbers(distinct)
    if values is not None and (values != np.round(values)).any():
        broken = [text for text, value in zip(distinct, values.tolist(), strict=True) if value != round(value)]
        raise InputError(
            f"{source}: numbers with decimals in label column {column}: received {few(broken)}; allowed: classes, or "
            f"--label COLUMN (regression tasks {LATER})"
        )
    if len(distinct) > max(2, len(labels) / 2):
        raise InputError(
            f"{source}: {len(distinct):,} classes of {len(labels):,} photos in column {column}: received fewer "
            "than two photos a class; allowed: labels that repeat, or --label COLUMN"
        )


def refuse_numbers_asked(labels: pd.Series, column: str, asked: pd.Series, sample: str) -> None:
    """InputError where labels are numbers and a sample submission answers with decimals: a number is to be told."""
    given = numbers(labels.unique())
    answers = numbers(value for value in asked.unique() if value.strip())
    if given is None or len(given) < 3 or answers is None or not (answers != np.round(answers)).any():
        return
    raise InputError(
        f"{sample}: one number a photo in {asked.name}: received {few(asked.unique())}, and {len(given):,} values of "
        f"column {column}; allowed: classes (regression tasks {LATER})"
    )


def refuse_photos_asked(ids: pd.Series, asked: pd.Series, sample: str) -> None:
    """InputError where a sample submission answers each photo with itself: photos like it are to be found."""
    if (ids.map(clean) == asked.map(clean)).all():
        raise InputError(
            f"{sample}: photos that are alike in {asked.name}: received {few(asked)}, the ids themselves; allowed: "
            f"labels (retrieval and matching tasks {LATER})"
        )


def many_classes(classes: Sequence[str], rows: int) -> list[str]:
    """What to say of a long list of classes."""
    if len(classes) < MANY:
        return []
    gigabytes = len(classes) * rows * 4 / 1e9
    return [
        f"warning: {len(classes):,} classes: the out-of-fold table of one trial takes {gigabytes:.1f} GB, a vote as "
        "much for each member"
    ]


def refuse_repeated(images: pd.Series, labels: pd.Series, groups: pd.Series, source: object) -> None:
    """InputError where one photo has rows of different labels, or of different groups."""
    for what, values, allowed in (
        ("labels", labels, f"one (multi-label tasks {LATER})"),
        ("groups", groups, "one, as of all whom photos show together"),
    ):
        pairs = pd.DataFrame({"image": images.to_numpy(), "value": values.to_numpy()}).drop_duplicates()
        several = pairs[pairs["image"].duplicated(keep=False)].groupby("image")["value"]
        if len(several):
            found = few(f"{name} ({', '.join(list(names)[:3])})" for name, names in several)
            raise InputError(f"{source}: several {what} a photo: received {found}; allowed: {allowed}")


def _several(distinct: Sequence[str]) -> list[str]:
    """Values that are lists of labels: every part is a label of its own as well, or a whole number."""
    parts = {value: [p for p in SEPARATORS.split(value) if p] for value in distinct}
    lists = {value: found for value, found in parts.items() if len(found) > 1}
    single = {value for value in distinct if value not in lists}
    return [
        value for value, found in lists.items() if all(p in single for p in found) or all(p.isdigit() for p in found)
    ]
