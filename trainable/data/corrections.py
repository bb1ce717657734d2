"""Label corrections of training rows: the published core list, or a CSV.

path_or_id,field,value            optional fourth column: fold
006359,gender,male
train/images/000020_female_Asian_45,swap,incorrect_mask normal

path_or_id: an image, a group, or an id (a folder's name up to its first `_`) that one person only has.
field: mask, gender, age, swap (`incorrect_mask normal`, all photos of the person), or label.
fold: a correction found by looking at predictions holds only in the training part of the fold whose model made them;
elsewhere it would carry what that model knows of its training labels into a fold that is scored on them.
"""

from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from trainable.data.labels import ATTRIBUTES
from trainable.data.manifest import Manifest, read_table
from trainable.errors import InputError

FIELDS = ("mask", "gender", "age", "swap", "label")
SWAP = "incorrect_mask normal"
# Those that all published lists agree on: id, field, value before, value after.
CORE = (
    *((f"{i:06d}", "gender", "female", "male") for i in range(6359, 6365)),
    ("001498-1", "gender", "male", "female"),
    ("004432", "gender", "male", "female"),
    *((i, "swap", "", SWAP) for i in ("000020", "004418", "005227")),
)


def correct(manifest: Manifest, source: str, fold: int | None = None) -> pd.DataFrame:
    """The manifest's frame with corrections applied ("none", "core" or a file); a copy, `manifest` is untouched.

    Core ids that the data lacks are passed over, as are people who carry the right label already. In a file every
    line must name rows; said twice it is applied once. `fold`: the one that is trained; None takes the lines of all.
    """
    frame = manifest.frame.copy()
    if source == "core":
        for key, field, before, value in CORE:
            rows = _ids(frame) == key
            if field == "gender":
                rows &= frame["gender"].to_numpy() == ATTRIBUTES["gender"].index(before)
            _apply(frame, manifest, np.flatnonzero(rows), field, value, "core list")
    elif source != "none":
        _from_file(frame, manifest, Path(source), fold)
    return frame


def _from_file(frame: pd.DataFrame, manifest: Manifest, path: Path, fold: int | None) -> None:
    table = read_table(path, ("path_or_id", "field", "value"))
    applied: set[tuple[str, str, str]] = set()
    elsewhere, where = frame.copy(), _Rows(frame)  # lines that do not hold here are checked on the copy
    for number, line in enumerate(table.to_dict("records"), start=2):
        place = f"{path} line {number}"
        only, said = line.get("fold", ""), (line["path_or_id"], line["field"], line["value"])
        if only and not only.isdigit():
            raise InputError(f"{place}: received fold {only!r}; allowed: a fold's number, or nothing")
        rows = where.find(line["path_or_id"], place)
        holds = said not in applied and (fold is None or not only or int(only) == fold)
        _apply(frame if holds else elsewhere, manifest, rows, line["field"], line["value"], place)
        applied |= {said} if holds else set()


class _Rows:
    """Where the rows of an image, a group or an id lie: looked up, not searched for line by line."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.groups = frame["group"].to_numpy()
        self.images, self.by_group = frame.groupby("image").indices, frame.groupby("group").indices
        self.by_id = pd.Series(_ids(frame)).groupby(_ids(frame)).indices

    def find(self, key: str, place: str) -> np.ndarray:
        """Rows int64[n]; InputError where the key names nobody, or several people."""
        folder = PurePosixPath(key).name
        for table, name in ((self.images, key), (self.by_group, key), (self.by_group, folder)):
            if name in table:
                return np.asarray(table[name])
        rows = np.asarray(self.by_id.get(key, np.zeros(0, np.int64)))
        people = pd.unique(self.groups[rows])
        if len(people) != 1:
            found = f"{len(people)} people: {', '.join(people[:3])}" if len(people) else "no row"
            raise InputError(
                f"{place}: path_or_id {key!r} names {found}; allowed: an image, a group or a person's own id"
            )
        return rows


def _apply(frame: pd.DataFrame, manifest: Manifest, rows: np.ndarray, field: str, value: str, place: str) -> None:
    if field not in FIELDS:
        raise InputError(f"{place}: received field {field!r}; allowed: {', '.join(FIELDS)}")
    column = "mask" if field == "swap" else field
    if column not in (manifest.attributes or ("label",)):
        raise InputError(f"{place}: received field {field}; allowed: columns that these data have")
    if field == "swap":
        if value != SWAP:
            raise InputError(f"{place}: received swap {value!r}; allowed: {SWAP}")
        worn = frame["mask"].to_numpy(copy=True)
        worn[rows] = np.array([0, 2, 1])[worn[rows]]
        frame["mask"] = worn
        return
    frame.iloc[rows, frame.columns.get_loc(field)] = _value(field, value, manifest, place)  # type: ignore[index]


def _value(field: str, value: str, manifest: Manifest, place: str) -> float | int:
    if field == "age":
        if not value.isdigit() or int(value) > 120:
            raise InputError(f"{place}: received age {value!r}; allowed: whole years from 0 to 120")
        return float(value)
    names = manifest.classes if field == "label" else ATTRIBUTES[field]
    if value not in names:
        raise InputError(f"{place}: received {field} {value!r}; allowed: {', '.join(names)}")
    return names.index(value)


def _ids(frame: pd.DataFrame) -> np.ndarray:
    """The id of every row: the group's name up to its first `_`; ids may be shared."""
    return frame["group"].str.split("_").str[0].to_numpy(str)
