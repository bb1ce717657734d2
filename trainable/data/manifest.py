"""The central table: one row an image, whatever the layout of the folder it was read from."""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Self

import numpy as np
import pandas as pd

from trainable.data.labels import ATTRIBUTES
from trainable.errors import InputError


@dataclass(frozen=True)
class Manifest:
    """Labelled images below `root`.

    frame: `image` (path below root), `group` (str), `label` (int64, index into `classes`), `extra` (bool: only ever
    trains, never scored), `bytes` (file size) and, in the competition, `mask`, `gender` (int64), `age` (years).
    """

    root: Path
    layout: str
    frame: pd.DataFrame
    classes: tuple[str, ...]

    @property
    def labels(self) -> np.ndarray:
        return self.frame["label"].to_numpy(np.int64)

    @property
    def scored(self) -> np.ndarray:
        """bool[N]: the rows whose out-of-fold prediction counts."""
        return ~self.frame["extra"].to_numpy(bool)

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(a for a in ATTRIBUTES if a in self.frame)

    def drop(self, images: list[str]) -> Self:
        """The manifest without these images (unreadable ones, on request)."""
        kept = self.frame[~self.frame["image"].isin(images)].reset_index(drop=True)
        return replace(self, frame=kept)

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
    """Images to predict; the submission repeats `table` with `column` filled in from `names`, one a class."""

    root: Path
    images: list[str]
    table: pd.DataFrame
    column: str
    names: tuple[str, ...]

    __test__ = False  # not a test case, whatever pytest thinks of the name


def read_table(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    """A CSV with every column as text (ids keep their leading zeros, a class may be called NA)."""
    if not path.is_file():
        raise InputError(f"missing table: received no {path}; allowed: a CSV with columns {', '.join(required)}")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no readable CSV: {str(error).strip()}; allowed: UTF-8, comma-separated") from None
    if not isinstance(table.index, pd.RangeIndex):  # pandas would take the first fields for row names
        raise InputError(f"{path}: received rows with more fields than the header has; allowed: as many")
    missing = [c for c in required if c not in table]
    if missing:
        received = ", ".join(map(str, table))[:200]
        raise InputError(
            f"{path}: missing column {', '.join(missing)}; received {received!r}; allowed: {', '.join(required)}"
        )
    if table.empty:
        raise InputError(f"{path}: received no rows; allowed: at least one")
    return table


def file_sizes(root: Path, images: list[str], source: Path) -> np.ndarray:
    """Sizes in bytes int64[N]; InputError when a path leaves `root` or names no file. One scandir a folder."""
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
    if missing:
        raise InputError(f"{source}: {few(missing)} not found below {root}; allowed: rows whose file exists")
    return found


def few(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _plain(column: np.ndarray) -> bytes:
    """Numbers by their value, whatever type a file format gave them: whole ones as int64, others as float64."""
    return column.astype(np.float64 if column.dtype.kind == "f" else np.int64).tobytes()


def _list(folder: Path) -> dict[str, int]:
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        return {e.name: e.stat().st_size for e in entries if not e.name.startswith(".") and e.is_file()}
