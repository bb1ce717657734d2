"""Label corrections of training rows: the published core list, or a CSV.

path_or_id,field,value            optional further columns: given, fold
006359,sort,apple
train/images/000020,label,ripe apple
train/images/000021/3.jpg,label,ripe apple

path_or_id: an image (that row), a group (all its rows), or an id (a folder's name up to its first `_`) that one person
only has.
given: of a group, only the rows whose field has that value in the data change.
field: drop (the rows do not train; no value), a column that classes are made of, swap (a word that the layout knows, of
all photos of a group), or, where labels are plain, label.
fold: a correction found by looking at predictions holds only in the training part of the fold whose model made them;
elsewhere it would carry what that model knows of its training labels into a fold that is scored on them.
"""

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from trainable.data.attributes import Swap
from trainable.data.headers import find, is_near
from trainable.data.layouts.competition.core import CORE, NEEDS
from trainable.data.manifest import Manifest
from trainable.data.text_tables import read_table
from trainable.data.values import clean, numbers
from trainable.errors import InputError

SWAP, LABEL, DROP = "swap", "label", "drop"
KEY = "path_or_id"


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
    line must name rows; said twice it is applied once, and what is said of an image counts above what is said of its
    group. `fold`: the one that is trained; None takes the lines of all.
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
    applied: set[tuple[str, ...]] = set()
    values: dict[tuple[bool, str, int], dict[str, str]] = {}
    elsewhere, where = frame.copy(), _Rows(manifest)  # lines that do not hold here are checked on the copy
    for place, line in sorted(_lines(path), key=lambda pair: where.image(pair[1][KEY]) is not None):  # groups first
        said = tuple(line.get(name, "") for name in (KEY, "field", "value", "given"))
        rows = where.find(line, place)
        if line["field"] != SWAP:
            _refuse_contradiction(values, line, rows, where.image(line[KEY]) is not None, place)
        holds = said not in applied and _holds(line, fold, place)
        _apply(frame if holds else elsewhere, manifest, rows, line["field"], line["value"], place)
        applied |= {said} if holds else set()


def _refuse_contradiction(
    values: dict[tuple[bool, str, int], dict[str, str]], line: dict[str, str], rows: np.ndarray, image: bool, place: str
) -> None:
    """InputError where an earlier line makes a row another value in the same fold, whatever name it has for the row.

    values: {(whether of an image, field, row): {fold: value}}, which this line is added to; a fold "" is all of them.
    """
    fold, value = line.get("fold", ""), line["value"]
    for row in rows.tolist():
        told = values.setdefault((image, line["field"], row), {})
        there = told.values() if not fold else (told[own] for own in ("", fold) if own in told)
        if other := next((one for one in there if one != value), None):
            raise InputError(
                f"{place}: received {line['field']} {value!r} for {line[KEY]!r}, which an earlier line makes "
                f"{other!r}; allowed: one value"
            )
        told[fold] = value


def check_folds(source: str, folds: int) -> None:
    """InputError for lines of folds that a run of so many does not have: its folds are others, and it would leak."""
    for place, line in _lines(Path(source)) if source not in ("none", "core") else ():
        if (fold := _fold(line, place)) is not None and fold >= folds:
            raise InputError(f"{place}: received fold {fold}; allowed: 0 to {folds - 1}, the folds of this run")


def check_unseen(manifest: Manifest, source: str, fold: np.ndarray) -> None:
    """InputError for a line of the very fold that its rows lie in: it was made on other folds, and would leak.

    What a fold's model says of its own validation rows never trains there, so that no list of `suspects --by-fold` has
    such a line. fold: int8[N], of the rows of the manifest.
    """
    if source in ("none", "core"):
        return
    where = _Rows(manifest)
    for place, line in _lines(Path(source)):
        only = _fold(line, place)
        if only is not None and (fold[where.find(line, place)] == only).any():
            raise InputError(
                f"{place}: received fold {only} for {line[KEY]!r}, which lies in fold {only} of this run and never "
                "trains there, so that the list was made on other folds, and would leak; allowed: one made on these "
                "(the same data, number of folds and seed)"
            )


def unseen_said(source: str) -> list[str]:
    """A sentence where a list of ensembles.suspects, whose lines are not held to a fold, is applied as it is."""
    if source in ("none", "core"):
        return []
    columns = read_table(Path(source), (KEY,)).columns
    if not all(find(columns, name, source) for name in ("score", "agree")) or find(columns, "fold", source):
        return []
    return [
        f"rows.corrections {source}: lines that nobody has looked at carry labels from fold to fold, so scores are too "
        "high; ensembles.suspects --by-fold lists what may be applied unseen"
    ]


def left_out(manifest: Manifest, source: str, fold: int | None = None) -> np.ndarray:
    """bool[N]: rows that a file of corrections drops; they do not train. fold: as in `correct`."""
    out = np.zeros(len(manifest.frame), bool)
    if source not in ("none", "core"):
        where = _Rows(manifest)
        for place, line in _lines(Path(source)):
            if line["field"] == DROP and _holds(line, fold, place):
                out[where.find(line, place)] = True
    return out


def _lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(where it stands, the cells that are known) of every line."""
    table = read_table(path, (KEY, "field", "value"))
    for name in ("given", "fold"):
        column = find(table.columns, name, path)
        near = [c for c in table.columns if column is None and is_near(clean(c).casefold(), name)]
        if near:  # a line of one fold would hold in all
            raise InputError(f"{path}: received column {near[0]!r}, nearly {name!r}; allowed: {name}, or another name")
        table = table.rename(columns={column or name: name})
    for number, line in enumerate(table.to_dict("records"), start=2):
        yield (
            f"{path} line {number}",
            {str(name): value if name == KEY else clean(value) for name, value in line.items()},
        )


def _holds(line: dict[str, str], fold: int | None, place: str) -> bool:
    """Whether a line is about the fold that is trained."""
    only = _fold(line, place)
    return fold is None or only is None or only == fold


def _fold(line: dict[str, str], place: str) -> int | None:
    only = line.get("fold", "")
    if only and not (only.isascii() and only.isdigit()):
        raise InputError(f"{place}: received fold {only!r}; allowed: a fold's number, or nothing")
    return int(only) if only else None


class _Rows:
    """Where the rows of an image, a group or an id lie: looked up, not searched for line by line."""

    def __init__(self, manifest: Manifest) -> None:
        frame, self.manifest = manifest.frame, manifest
        self.groups = frame["group"].to_numpy()
        self.images, self.by_group = frame.groupby("image").indices, frame.groupby("group").indices
        self.cleaned = {clean(str(image)): str(image) for image in self.images}
        self.by_id = pd.Series(_ids(frame)).groupby(_ids(frame)).indices

    def image(self, key: str) -> str | None:
        """The image that a key names: as its file is called, else but for blanks and how letters are composed."""
        return key if key in self.images else self.cleaned.get(clean(key))

    def find(self, line: dict[str, str], place: str) -> np.ndarray:
        """Rows int64[n] that a line changes; InputError where its key names nobody, or several people."""
        key, given = line[KEY], line.get("given", "")
        if (image := self.image(key)) is not None:
            return np.asarray(self.images[image])
        key = clean(key)
        rows = self._of_group(key, place)
        if not given:
            return rows
        kept = rows[self._has(line["field"], given, place)[rows]]
        if not len(kept):
            raise InputError(f"{place}: no row of {key!r} has {line['field']} {given!r}; allowed: a value it has")
        return kept

    def _of_group(self, key: str, place: str) -> np.ndarray:
        for name in (key, PurePosixPath(key).name):
            # The folder of a group; `./b/1.jpg` is not the photo 1.jpg, which may be a group of its own.
            if name in self.by_group and (name == key or name not in self.images):
                return np.asarray(self.by_group[name])
        rows = np.asarray(self.by_id.get(key, np.zeros(0, np.int64)))
        people = pd.unique(self.groups[rows])
        if len(people) != 1:
            found = f"{len(people)} people: {', '.join(people[:3])}" if len(people) else "no row"
            raise InputError(
                f"{place}: path_or_id {key!r} names {found}; allowed: an image, a group or a person's own id"
            )
        return rows

    def _has(self, field: str, given: str, place: str) -> np.ndarray:
        """bool[N]: rows whose field has the value `given` in the data; of a drop, whose class it is."""
        manifest = self.manifest
        if field not in (LABEL, DROP, *manifest.attributes):
            raise InputError(f"{place}: received given {given!r} for {field}; allowed: nothing")
        part = manifest.made_of[field] if field in manifest.attributes else None
        names = manifest.classes if part is None else part.values
        if given in names:
            values = manifest.labels if part is None else manifest.made_of.decode(manifest.labels)[field]
            return np.asarray(values == names.index(given))
        if part is None or not part.cuts:
            raise InputError(f"{place}: received given {given!r}; allowed: {', '.join(names)}")
        return np.asarray(manifest.frame[field].to_numpy() == _number(given))


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
