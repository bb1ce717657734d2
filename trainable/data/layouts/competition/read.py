"""The competition's folder, read. A group is a person's folder, never an id (ids repeat)."""

import os
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from trainable.data.flags import COLUMNS, Flags, Taken
from trainable.data.form import Form
from trainable.data.headers import find, refuse_near
from trainable.data.layouts.competition.labels import CLASSES, GENDER, MADE_OF, MASK
from trainable.data.layouts.copies import join_copies
from trainable.data.layouts.finish import dropped_rows, extra_groups, groups_of
from trainable.data.layouts.sources import Table
from trainable.data.layouts.written import find_written
from trainable.data.manifest import COMPETITION, Manifest, TestSet, file_sizes
from trainable.data.text_tables import read_table
from trainable.errors import InputError
from trainable.words import few

MASK_OF_FILE = {**{f"mask{i}": 0 for i in range(1, 6)}, "incorrect_mask": 1, "normal": 2}
SUFFIXES = (".jpg", ".jpeg", ".png")
FORM = (
    "the competition's layout (train/train.csv with gender,age,path; eval/info.csv; eval/images/; "
    "train/images/<path>/{mask1..5,incorrect_mask,normal}.{jpg,jpeg,png})"
)
OWN = {"gender", "age", "path"}


def is_there(root: Path) -> bool:
    """Whether a folder has train/train.csv with at least two of the columns: others keep their tables there too."""
    source = root / "train" / "train.csv"
    return source.is_file() and len(OWN & set(read_table(source, ()).columns)) > 1


def read_train(root: Path, flags: Flags) -> Manifest:
    """train.csv and the seven photos of each person; optional extra.csv with path, mask, gender, age.

    `--drop` leaves out people; its columns are known, so that other flags are refused.
    """
    source = root / "train" / "train.csv"
    strange = [f"--{name}" for name in COLUMNS if getattr(flags, name) is not None]
    strange += [f"--{name}" for name, values in (("cut", flags.cuts), ("order", flags.order)) if values]
    if strange:
        raise InputError(
            f"{', '.join(strange)}: received for the competition's layout; allowed: --drop, its columns are known"
        )
    kept, lines = dropped_rows(Table(read_table(source, ("gender", "age", "path")), source, "train"), flags)
    people = kept.frame
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
        more, of_extra = _extra(root)
        lines = [*lines, *of_extra, *extra_groups(more, frame["group"])]
        frame = pd.concat([frame, more], ignore_index=True)
        # A scored photo that is an extra row as well would be trained on in every fold.
        twice = frame["image"][frame["image"].duplicated()].tolist()
        if twice:
            raise InputError(f"{root / 'extra.csv'}: {few(twice)} occurs twice; allowed: photos that train.csv lacks")
    frame["label"] = MADE_OF.encode(frame)
    frame, copies = join_copies(frame, root, flags.merge_duplicates)
    said = f"layout: {COMPETITION}, {len(people):,} people of seven photos; a group is a person's folder"
    return Manifest(root, COMPETITION, frame, CLASSES, Taken(flags, (said, *lines, *copies)), MADE_OF)


def read_test(root: Path) -> TestSet:
    """info.csv in its own order."""
    source = root / "eval" / "info.csv"
    table = read_table(source, ("ImageID", "ans"))
    images = [f"eval/images/{name}" for name in table["ImageID"]]
    file_sizes(root, images, source)
    names = tuple(str(c) for c in range(len(CLASSES)))
    return TestSet(root, images, table, Form("label", "ImageID", tuple(table.columns), ("ans",), names))


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


def _extra(root: Path) -> tuple[pd.DataFrame, list[str]]:
    """The manifest's columns of extra.csv, and what to say; a group is a person's folder."""
    source = root / "extra.csv"
    table = read_table(source, ("path", "mask", "gender", "age"))
    refuse_near(table, source, ["group"])
    masks = MASK.values
    unknown = table["mask"][~table["mask"].isin(masks)]
    if len(unknown):
        raise InputError(f"{source}: received mask {unknown.iloc[0]!r}; allowed: {', '.join(masks)}")
    found = find_written(root, table["path"].tolist(), source)
    images = pd.Series(found.images, dtype=str)
    groups, said = groups_of(table, find(table.columns, "group", source), images, extra=True)
    frame = pd.DataFrame(
        {
            "image": images,
            "group": groups,
            "extra": True,
            "mask": table["mask"].map(masks.index).astype(np.int64),
            "gender": _gender(table["gender"], source),
            "age": _age(table["age"], source),
            "bytes": found.sizes,
        }
    )
    return frame, [f"extra.csv: {len(frame):,} rows that only train", *found.lines, *said]


def _gender(column: pd.Series, source: Path) -> np.ndarray:
    words = GENDER.values
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
