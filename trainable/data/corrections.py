"""Label corrections of training rows: the published core list, or a CSV.

path_or_id,field,value            optional fourth column: fold
006359,sort,apple
train/images/000020,label,ripe apple

path_or_id: an image, a group, or an id (a folder's name up to its first `_`) that one person only has.
field: drop (the rows do not train; no value), a column that classes are made of, swap (a word that the layout knows, of
all photos of a group), or, where labels are plain, label.
fold: a correction found by looking at predictions holds only in the training part of the fold whose model made them;
elsewhere it would carry what that model knows of its training labels into a fold that is scored on them.
"""

import math
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from trainable.data.attributes import Swap
from trainable.data.layouts.competition.core import CORE, NEEDS
from trainable.data.manifest import Manifest
from trainable.data.text_tables import read_table
from trainable.data.values import numbers
from trainable.errors import InputError

SWAP, LABEL, DROP = "swap", "label", "drop"


def check_core(manifest: Manifest) -> None:
    """InputError where the core list, which is of one competition, does not fit the data."""
    missing = [name for name in NEEDS if name not in manifest.attributes]
    if missing:
        raise InputError(
            f"rows.corrections core: the data have no column {', '.join(missing)}; allowed: none, or a CSV of your own"
        )


def correct(manifest: Manifest, source: str, fold: int | None = None) -> pd.DataFrame:
    """The manifest's frame with corrections applied ("none", "core" or a file); a copy, `manifest` is untouched.

    Core ids that the data lacks are passed over, as are people who carry the right label already. In a file every
    line must name rows; said twice it is applied once. `fold`: the one that is trained; None takes the lines of all.
    """
    frame = manifest.frame.copy()
    if source == "core":
        for line in CORE:
            rows = _ids(frame) == line.key
            if line.before:
                rows &= frame[line.field].to_numpy() == manifest.made_of[line.field].values.index(line.before)
            _apply(frame, manifest, np.flatnonzero(rows), line.field, line.value, "core list")
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


def left_out(manifest: Manifest, source: str, fold: int | None = None) -> np.ndarray:
    """bool[N]: rows that a file of corrections drops; they do not train. fold: as in `correct`."""
    out = np.zeros(len(manifest.frame), bool)
    if source not in ("none", "core"):
        path, where = Path(source), _Rows(manifest.frame)
        for number, line in enumerate(read_table(path, ("path_or_id", "field", "value")).to_dict("records"), start=2):
            only = line.get("fold", "")
            if line["field"] == DROP and (fold is None or not only or int(only) == fold):
                out[where.find(line["path_or_id"], f"{path} line {number}")] = True
    return out


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
    if field == DROP:
        if value:
            raise InputError(f"{place}: received drop {value!r}; allowed: no value, the rows do not train")
        return  # `left_out` knows them
    fields = (*(manifest.attributes or (LABEL,)), *([SWAP] if manifest.made_of.swaps else []), DROP)
    if field not in fields:
        raise InputError(f"{place}: received field {field!r}; allowed: {', '.join(fields)}")
    if field == SWAP:
        swap = _swap(manifest, value, place)
        codes = frame[swap.column].to_numpy(copy=True)
        own, (one, other) = codes[rows], swap.values
        codes[rows] = np.where(own == one, other, np.where(own == other, one, own))
        frame[swap.column] = codes
        return
    frame.iloc[rows, frame.columns.get_loc(field)] = _value(field, value, manifest, place)  # type: ignore[index]


def _swap(manifest: Manifest, value: str, place: str) -> Swap:
    for swap in manifest.made_of.swaps:
        if swap.word == value:
            return swap
    words = ", ".join(swap.word for swap in manifest.made_of.swaps)
    raise InputError(f"{place}: received swap {value!r}; allowed: {words}")


def _value(field: str, value: str, manifest: Manifest, place: str) -> float | int:
    part = None if field == LABEL else manifest.made_of[field]
    if part is not None and part.cuts:
        low, high = part.limits or (-math.inf, math.inf)
        number = _number(value)
        if not low <= number <= high:
            within = "a number" if part.limits is None else f"a number from {low:g} to {high:g}"
            raise InputError(f"{place}: received {field} {value!r}; allowed: {within}")
        return float(number)
    names = manifest.classes if part is None else part.values
    if value not in names:
        raise InputError(f"{place}: received {field} {value!r}; allowed: {', '.join(names)}")
    return names.index(value)


def _number(value: str) -> float:
    found = numbers([value])
    return math.nan if found is None else float(found[0])


def _ids(frame: pd.DataFrame) -> np.ndarray:
    """The id of every row: the group's name up to its first `_`; ids may be shared."""
    return frame["group"].str.split("_").str[0].to_numpy(str)
