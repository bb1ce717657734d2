"""Layout 1: the mask / gender / age competition. A group is a person's folder, never an id (ids repeat)."""

import os
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from trainable.data.labels import ATTRIBUTES, CLASSES, age_band, encode
from trainable.data.manifest import Manifest, TestSet, few, file_sizes, read_table
from trainable.errors import InputError

MASK_OF_FILE = {**{f"mask{i}": 0 for i in range(1, 6)}, "incorrect_mask": 1, "normal": 2}
SUFFIXES = (".jpg", ".jpeg", ".png")


def read_train(root: Path) -> Manifest:
    """train.csv and the seven photos of each person; optional extra.csv with path, mask, gender, age."""
    source = root / "train" / "train.csv"
    people = read_table(source, ("gender", "age", "path"))
    repeated = people["path"][people["path"].duplicated()].unique().tolist()
    if repeated:
        raise InputError(f"{source}: path {few(repeated)} occurs twice; allowed: one row a folder")
    gender, age = _gender(people["gender"], source), _age(people["age"], source)
    rows = [(person, *photo) for person, path in enumerate(people["path"]) for photo in _photos(root, path, source)]
    who = np.array([r[0] for r in rows])
    frame = pd.DataFrame(
        {
            "image": [r[1] for r in rows],
            "group": people["path"].to_numpy()[who],
            "extra": False,
            "mask": np.array([r[2] for r in rows], np.int64),
            "gender": gender[who],
            "age": age[who],
            "bytes": np.array([r[3] for r in rows], np.int64),
        }
    )
    if (root / "extra.csv").is_file():
        frame = pd.concat([frame, _extra(root)], ignore_index=True)
        # A scored photo that is an extra row as well would be trained on in every fold.
        twice = frame["image"][frame["image"].map(PurePosixPath).duplicated()].tolist()
        if twice:
            raise InputError(f"{root / 'extra.csv'}: {few(twice)} occurs twice; allowed: photos that train.csv lacks")
    frame["label"] = encode(frame["mask"].to_numpy(), frame["gender"].to_numpy(), age_band(frame["age"]))
    return Manifest(root, "competition", frame, CLASSES)


def read_test(root: Path) -> TestSet:
    """info.csv in its own order."""
    source = root / "eval" / "info.csv"
    table = read_table(source, ("ImageID", "ans"))
    images = [f"eval/images/{name}" for name in table["ImageID"]]
    file_sizes(root, images, source)
    return TestSet(root, images, table, "ans", tuple(str(c) for c in range(len(CLASSES))))


def _photos(root: Path, path: str, source: Path) -> list[tuple[str, int, int]]:
    """(image, mask, bytes) of the seven photos in a person's folder; dotfiles and other files are ignored."""
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise InputError(f"{source}: path {path!r} leaves the data folder; allowed: a folder below train/images")
    folder = root / "train" / "images" / path
    if not folder.is_dir():
        raise InputError(f"{source}: folder {path} of a row not found; allowed: a folder below {folder.parent}")
    found: dict[str, tuple[str, int]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 - a Path per photo doubles the time
            if stem in MASK_OF_FILE and suffix.lower() in SUFFIXES:
                if stem in found:
                    raise InputError(f"{folder}: received {stem} twice ({found[stem][0]}, {entry.name}); allowed: once")
                found[stem] = entry.name, entry.stat().st_size
    missing = [stem for stem in MASK_OF_FILE if stem not in found]
    if missing:
        raise InputError(f"{folder}: {few(missing, 7)} not found; allowed: each of {', '.join(MASK_OF_FILE)} once")
    return [(f"train/images/{path}/{found[s][0]}", mask, found[s][1]) for s, mask in MASK_OF_FILE.items()]


def _extra(root: Path) -> pd.DataFrame:
    source = root / "extra.csv"
    table = read_table(source, ("path", "mask", "gender", "age"))
    masks = ATTRIBUTES["mask"]
    unknown = table["mask"][~table["mask"].isin(masks)]
    if len(unknown):
        raise InputError(f"{source}: received mask {unknown.iloc[0]!r}; allowed: {', '.join(masks)}")
    return pd.DataFrame(
        {
            "image": table["path"],
            "group": table["group"] if "group" in table else "extra/" + table["path"],
            "extra": True,
            "mask": table["mask"].map(masks.index).astype(np.int64),
            "gender": _gender(table["gender"], source),
            "age": _age(table["age"], source),
            "bytes": file_sizes(root, table["path"].tolist(), source),
        }
    )


def _gender(column: pd.Series, source: Path) -> np.ndarray:
    words = ATTRIBUTES["gender"]
    text = column.str.strip().str.lower()
    bad = text[~text.isin(words)]
    if len(bad):
        raise InputError(f"{source}: received gender {column[bad.index[0]]!r}; allowed: {', '.join(words)}")
    return text.map(words.index).to_numpy(np.int64)


def _age(column: pd.Series, source: Path) -> np.ndarray:
    years = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    bad = ~((years >= 0) & (years <= 120))
    if bad.any():
        raise InputError(f"{source}: received age {column[np.argmax(bad)]!r}; allowed: a number of years from 0 to 120")
    return years
