"""The central table: one row an image, whatever the layout of the folder it was read from."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Self

import numpy as np
import pandas as pd

from trainable.data.attributes import PLAIN, Attributes
from trainable.data.flags import Taken
from trainable.data.form import Form
from trainable.data.values import sorted_names
from trainable.errors import InputError
from trainable.images.kinds import is_file
from trainable.words import few

COMPETITION = "competition"
ITEM = "item"  # column, int64: photos of one number have one label and are answered together, see trainable.data.items
OWN = ("image", "group", "label", "fold", ITEM, "extra", "bytes")  # columns that the source's give way to
SAMPLE_WEIGHT = "sample_weight"  # column, float64: how much the loss of a row counts in training


@dataclass(frozen=True)
class Manifest:
    """Labelled images below `root`.

    frame: `image` (path below root), `group` (str), `label` (int64, index into `classes`), `extra` (bool: only ever
    trains, never scored), `bytes` (file size), `fold` (int64) where the data give folds, `item` (int64) where several
    photos have one label together, the columns that classes are made of (see `Attribute`), and the further columns of
    the source as text. taken: what was taken for what.
    """

    root: Path
    layout: str
    frame: pd.DataFrame
    classes: tuple[str, ...]
    taken: Taken = field(default_factory=Taken)
    made_of: Attributes = PLAIN

    @classmethod
    def of(cls, root: Path, layout: str, frame: pd.DataFrame, text: pd.Series, taken: Taken) -> Self:
        """With the classes that occur in `text`, str[N], the label of each row of `frame`."""
        classes = sorted_names(text)
        number = {name: i for i, name in enumerate(classes)}
        label = np.array([number[t] for t in text], np.int64)
        return cls(root, layout, frame.assign(label=label), classes, taken)

    @classmethod
    def of_product(cls, root: Path, layout: str, frame: pd.DataFrame, made_of: Attributes, taken: Taken) -> Self:
        """With the classes that are products of columns of `frame`."""
        return cls(root, layout, frame.assign(label=made_of.encode(frame)), made_of.classes(), taken, made_of)

    @property
    def labels(self) -> np.ndarray:
        return self.frame["label"].to_numpy(np.int64)

    @property
    def scored(self) -> np.ndarray:
        """bool[N]: the rows whose out-of-fold prediction counts."""
        return ~self.frame["extra"].to_numpy(bool)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the columns that classes are made of, empty where labels are plain."""
        return self.made_of.names

    @property
    def further(self) -> tuple[str, ...]:
        """Names of the further columns of the source, as text, of which nothing was made."""
        own = {*OWN, SAMPLE_WEIGHT, *self.made_of.names}
        return tuple(str(c) for c in self.frame if c not in own and not str(c).startswith("pseudo"))

    @cached_property
    def groupwise(self) -> tuple[str, ...]:
        """The attributes of which all scored photos of a group have one value: they are the group's own."""
        groups, names = pd.factorize(self.frame["group"][self.scored])
        values = self.made_of.decode(self.labels[self.scored])
        pairs = {a: np.unique(groups * len(self.made_of[a].values) + v) for a, v in values.items()}
        return tuple(a for a, found in pairs.items() if len(found) == len(names))

    def drop(self, images: list[str]) -> Self:
        """The manifest without these images (unreadable ones, on request), and without classes that lose all of theirs.

        The competition's classes stay: its tables name them by number. Of an item that loses its scored photo the next
        one is scored.
        """
        kept = self.frame[~self.frame["image"].isin(images)].reset_index(drop=True)
        if ITEM in kept:
            lost = set(self.frame[ITEM][self.scored]) - set(kept[ITEM][~kept["extra"]])
            kept.loc[kept[ITEM].isin(lost) & ~kept[ITEM].duplicated(), "extra"] = False
        left = sorted(set(kept["label"]))
        if self.layout == COMPETITION or len(left) == len(self.classes):
            return replace(self, frame=kept)
        number = {old: new for new, old in enumerate(left)}
        kept["label"] = kept["label"].map(number).astype(np.int64)
        places = self.made_of.grid.places
        made_of = replace(self.made_of, cells=tuple(places[left].tolist())) if self.made_of else PLAIN
        return replace(self, frame=kept, classes=tuple(self.classes[i] for i in left), made_of=made_of)

    def saying(self, *lines: str) -> Self:
        """The manifest with more sentences of what was taken for what."""
        return replace(self, taken=replace(self.taken, lines=(*self.taken.lines, *lines)))

    def fingerprint(self) -> str:
        """Changes when an image is added, removed, resized in bytes or relabelled."""
        digest = hashlib.sha256(repr((self.layout, self.classes)).encode())
        for name in self.frame:
            column = self.frame[name].to_numpy()
            digest.update(f"\n{name}\n".encode())
            digest.update("\0".join(map(str, column)).encode() if column.dtype == object else _plain(column))
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class TestSet:
    """Images to predict; the submission repeats `table` with the columns of `form` filled in.

    groups: of each row of it, where a column says what belongs together. items: int64[M], rising: the row that each
    image is a photo of, where rows have several; None where each has one. known: a table of text with a row for each of
    `table`, in whose further columns more is known of them; None where there is none.
    """

    root: Path
    images: list[str]
    table: pd.DataFrame
    form: Form
    groups: tuple[str, ...] | None = None
    items: tuple[int, ...] | None = None
    known: pd.DataFrame | None = None

    __test__ = False  # not a test case, whatever pytest thinks of the name

    @classmethod
    def of_photos(cls, root: Path, images: list[str], classes: tuple[str, ...], column: str = "image") -> Self:
        """Photos that no table asks for: a row each, and a label."""
        table = pd.DataFrame({column: images, "prediction": ""}, dtype=str)
        return cls(root, images, table, Form("label", column, tuple(table.columns), ("prediction",), classes))


def file_sizes(root: Path, images: list[str], source: Path, *, skip_missing: bool = False) -> np.ndarray:
    """Sizes in bytes int64[N], of a missing file -1 where that is allowed. One scandir a folder.

    InputError when a path leaves `root`, or names no file.
    """
    outside = [i for i in images if PurePosixPath(i).is_absolute() or ".." in PurePosixPath(i).parts or not i]
    if outside:
        raise InputError(f"{source}: path {outside[0]!r} leaves the data folder; allowed: paths below {root}")
    listings: dict[str, dict[str, int]] = {}
    found = np.empty(len(images), np.int64)
    missing = []
    for row, image in enumerate(images):
        folder, _, name = image.rpartition("/")
        if folder not in listings:
            listings[folder] = _list(root / folder)
        found[row] = listings[folder].get(name, -1)
        if found[row] < 0:
            missing.append(image)
    if missing and not skip_missing:
        raise InputError(f"{source}: {few(missing)} not found below {root}; allowed: rows whose file exists")
    return found


def _plain(column: np.ndarray) -> bytes:
    """Numbers by their value, whatever type a file format gave them: whole ones as int64, others as float64."""
    return column.astype(np.float64 if column.dtype.kind == "f" else np.int64).tobytes()


def _list(folder: Path) -> dict[str, int]:
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        return {e.name: e.stat().st_size for e in entries if not e.name.startswith(".") and is_file(e)}
