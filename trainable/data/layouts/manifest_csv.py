"""Layout 2: any folder with a manifest.csv (path, label, optionally group and any other columns)."""

import re
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from trainable.data.manifest import Manifest, TestSet, few, file_sizes, read_table
from trainable.errors import InputError


def read_train(root: Path) -> Manifest:
    """manifest.csv, and extra.csv (the same columns) when it is there. Without `group` every image is its own."""
    source = root / "manifest.csv"
    table = _rows(root, source, extra=False)
    if (root / "extra.csv").is_file():
        extra = _rows(root, root / "extra.csv", extra=True)
        foreign = sorted(set(extra["text"]) - set(table["text"]))
        if foreign:
            raise InputError(f"{root / 'extra.csv'}: received label {foreign[0]!r}; allowed: labels of {source.name}")
        table = pd.concat([table, extra], ignore_index=True)
    classes = _sorted_labels(table["text"])
    if len(classes) < 2:
        raise InputError(f"{source}: received the one label {classes[0]!r}; allowed: at least two")
    table["label"] = table["text"].map({name: i for i, name in enumerate(classes)}).astype(np.int64)
    frame = table.drop(columns="text")
    # One photo under two spellings would be trained on and scored, as surely as under one.
    twice = frame["image"][frame["image"].map(PurePosixPath).duplicated()].tolist()
    if twice:
        raise InputError(f"{source}: {few(twice)} occurs twice; allowed: one row an image")
    return Manifest(root, "generic", frame, classes)


def read_test(root: Path, classes: tuple[str, ...]) -> TestSet:
    """test.csv in its own order; the submission is path,prediction."""
    source = root / "test.csv"
    images = read_table(source, ("path",))["path"].tolist()
    file_sizes(root, images, source)
    table = pd.DataFrame({"path": images, "prediction": ""})
    return TestSet(root, images, table, "prediction", classes)


def _rows(root: Path, source: Path, *, extra: bool) -> pd.DataFrame:
    table = read_table(source, ("path", "label"))
    empty = table["label"].str.strip() == ""
    if empty.any():
        raise InputError(f"{source}: no label for {table.loc[empty, 'path'].iloc[0]!r}; allowed: an int or a name")
    if "group" in table and (table["group"].str.strip() == "").any():
        nobody = table.loc[table["group"].str.strip() == "", "path"].iloc[0]
        raise InputError(f"{source}: no group for {nobody!r}; allowed: a name in every row, or no column group")
    return pd.DataFrame(
        {
            "image": table["path"],
            "group": table["group"] if "group" in table else table["path"],
            "extra": extra,
            "bytes": file_sizes(root, table["path"].tolist(), source),
            "text": table["label"].str.strip(),
        }
    )


def _sorted_labels(text: pd.Series) -> tuple[str, ...]:
    """Distinct labels: whole numbers by value, names by alphabet."""
    names = sorted(text.unique())
    return tuple(sorted(names, key=int)) if all(re.fullmatch("-?[0-9]+", n) for n in names) else tuple(names)
