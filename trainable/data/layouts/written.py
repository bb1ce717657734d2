"""Photos by their paths as tables write them: absolute, with backslashes, in another case, in decomposed letters."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from trainable.data.values import clean
from trainable.errors import InputError
from trainable.images.kinds import is_file
from trainable.words import few

PADDED = re.compile(r"0[0-9]+\.[^.]+")  # names that are numbers with leading zeros


class Written(NamedTuple):
    """images: path of each cell's photo below the data folder. sizes: int64[N] in bytes, -1 where there is none.

    lines: what is said of cells that had to be looked for.
    """

    images: list[str]
    sizes: np.ndarray
    lines: list[str]


def find_written(root: Path, cells: Sequence[str], source: Path, *, skip_missing: bool = False) -> Written:
    """The photo below `root` that each cell names, one scandir a folder.

    InputError for a path that leaves `root`, for one that may be two files, and for one that is none, unless that is
    allowed.
    """
    folders = _Folders(root)
    images, sizes, kinds, first = [], np.full(len(cells), -1, np.int64), Counter[str](), ""
    missing = []
    for row, cell in enumerate(cells):
        path, otherwise = _below(root, cell, source)
        found = folders.find(path, source)
        if found is None:
            missing.append(cell)
            images.append(path)
            continue
        image, sizes[row] = found
        if image != path:
            shortened = _loose(image.rpartition("/")[2]) != _loose(path.rpartition("/")[2])
            otherwise += ["without leading zeros" if shortened else "in another case or composition"]
        if otherwise:
            kinds.update(otherwise)
            first = first or f"{cell!r} is {image}"
        images.append(image)
    if missing and not skip_missing:
        raise InputError(
            f"{source}: {few(missing)} not found below {root}{folders.other_names()}; allowed: rows whose file exists"
        )
    said = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    return Written(images, sizes, [f"{source.name}: paths found: {said}; {first}"] if said else [])


def _below(root: Path, cell: str, source: Path) -> tuple[str, list[str]]:
    """A cell as a plain path below `root`, and in which ways it was written otherwise."""
    text, otherwise = cell, []
    if text != (bare := text.strip()):
        text, otherwise = bare, ["with blanks around"]
    if "\\" in text and not (root / text).exists():
        text, otherwise = text.replace("\\", "/"), [*otherwise, "with backslashes"]
    path = PurePosixPath(text)
    if path.is_absolute():
        above = next((place for place in (root, root.resolve()) if path.is_relative_to(place.as_posix())), None)
        if above is not None:
            path, otherwise = path.relative_to(above.as_posix()), [*otherwise, "absolute"]
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise InputError(f"{source}: path {cell!r} leaves the data folder; allowed: paths below {root}")
    return str(path), otherwise


class _Folders:
    """Listings of folders, made when they are asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.listed: dict[str, dict[str, int]] = {}
        self.loose: dict[str, dict[str, list[str]]] = {}
        self.padded: dict[str, dict[str, list[str]]] = {}

    def find(self, path: str, source: Path) -> tuple[str, int] | None:
        """(path, size) of the file, or else of the one that differs in case and composition only."""
        folder, _, name = path.rpartition("/")
        size = self._files(folder).get(name, -1)
        if size >= 0:
            return path, size
        place = ""
        for part in path.split("/"):
            names = self._alike(place).get(_loose(part)) or self._padded(place, part)
            exact = [n for n in names if n == part] or names
            if len(exact) > 1:
                found = few(f"{place}/{n}".strip("/") for n in exact)
                raise InputError(f"{source}: path {path!r} names two photos: received {found}; allowed: one")
            if not exact:
                return None
            place = f"{place}/{exact[0]}".strip("/")
        folder, _, name = place.rpartition("/")
        size = self._files(folder).get(name, -1)
        return (place, size) if size >= 0 else None

    def _padded(self, folder: str, part: str) -> list[str]:
        """Files whose name is this one's number with leading zeros, which a spreadsheet takes away."""
        if folder not in self.padded:
            found: dict[str, list[str]] = {}
            self.padded[folder] = found
            for name in (n for names in self._alike(folder).values() for n in names):
                if PADDED.fullmatch(_loose(name)):
                    found.setdefault(_without_zeros(name), []).append(name)
        return self.padded[folder].get(_loose(part), [])

    def other_names(self) -> str:
        """What to add where files in folders that were looked at have names in another encoding than UTF-8."""
        names = {f"{folder}/{n}" for folder, listed in self.listed.items() for n in listed if not n.isprintable()}
        found = [os.fsencode(n) for n in sorted(names) if any("\udc80" <= c <= "\udcff" for c in n)]
        return f", where {len(found):,} names are no UTF-8, such as {found[0]!r} (convmv renames them)" if found else ""

    def _files(self, folder: str) -> dict[str, int]:
        if folder not in self.listed:
            found = {}
            if (self.root / folder).is_dir():
                with os.scandir(self.root / folder) as entries:
                    found = {e.name: e.stat().st_size for e in entries if not e.name.startswith(".") and is_file(e)}
            self.listed[folder] = found
        return self.listed[folder]

    def _alike(self, folder: str) -> dict[str, list[str]]:
        if folder not in self.loose:
            found: dict[str, list[str]] = {}
            place = self.root / folder
            for name in os.listdir(place) if place.is_dir() else []:  # noqa: PTH208 - a Path a photo takes thrice as long
                if not name.startswith("."):
                    found.setdefault(_loose(name), []).append(name)
            self.loose[folder] = found
        return self.loose[folder]


def _without_zeros(name: str) -> str:
    number, _, suffix = _loose(name).partition(".")
    return f"{int(number)}.{suffix}"


def _loose(name: str) -> str:
    return clean(name).casefold()
