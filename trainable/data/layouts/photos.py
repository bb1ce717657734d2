"""Every photo below a data folder, found once by one walk, and looked up by name or by id."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import unquote

import numpy as np

from trainable.data.values import clean
from trainable.errors import InputError
from trainable.images.kinds import SUFFIXES, walk
from trainable.words import count

HIDDEN = re.compile(r"^(answers|solutions?)\.|truth", re.IGNORECASE)  # what only tells how good a vote was
MARK = re.compile(r"[_\-. ]")  # behind it a name says which of several photos of one thing this is
DIGITS = re.compile(r"[0-9]+")
SHORTENED = re.compile(r"(0|[1-9][0-9]*)(?:\.0+)?")  # what a spreadsheet makes of them
UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of a file
NO_PICTURES = {".csv", ".tsv", ".parquet", ".json", ".jsonl", ".xlsx", ".xls", ".ods", ".txt", ".md", ".yaml", ".yml",
               ".xml", ".html", ".py", ".ipynb", ".zip", ".db", ".ini", ".log", ".toml", ".sh", ".bib"}  # fmt: skip
ROLES = {
    "test": re.compile(r"(?<![a-z])test(ing)?(?![a-z])", re.IGNORECASE),
    "valid": re.compile(r"(?<![a-z])(val|valid|validation|dev)(?![a-z])", re.IGNORECASE),
    "train": re.compile(r"(?<![a-z])train(ing)?(?![a-z])", re.IGNORECASE),
}


def role_of(name: str) -> str:
    """What a file or folder is for by its name: "test", "valid", "train", or "" where it does not say."""
    found = [role for role, pattern in ROLES.items() if pattern.search(name)]
    return "train" if "train" in found else found[0] if found else ""


def role_of_path(path: str) -> str:
    """The role of the innermost folder on the way to a file that has one."""
    for part in reversed(path.split("/")[:-1]):
        if role := role_of(part):
            return role
    return ""


def stem_of(name: str) -> str:
    """A path without its suffix, where that is a photo's: ids may hold dots of their own."""
    head, dot, suffix = name.rpartition(".")
    return head if dot and f".{suffix.lower()}" in SUFFIXES else name


class Match(NamedTuple):
    """rows: places of the photos that a cell may mean. bare: whether it lacks their suffix.

    dropped: the first folders that it names and they do not lie in; None where none of its folders is theirs.
    """

    rows: list[int]
    bare: bool = False
    dropped: str | None = None


@dataclass(frozen=True)
class Photos:
    """names: str[P], sorted paths below `root`. sizes: int64[P] in bytes. others: how many files of each suffix.

    loosely: whether `12` and `12.0` also mean 0012.jpg, as a spreadsheet leaves such names, `a.tif` and `A.JPG` a.jpg,
    as photos are converted, and `1a2b3c4d-a%20b.jpg` `a b.jpg`, as labelling tools write them.
    """

    root: Path
    names: list[str]
    sizes: np.ndarray
    others: Counter
    loosely: bool = False

    @classmethod
    def below(cls, root: Path) -> Self:
        """Walk the folder, links to folders too, passing over names that begin with a dot."""
        others: Counter[str] = Counter()
        found = sorted(walk(root, others))
        return cls(root, [name for name, _ in found], np.array([size for _, size in found], np.int64), others)

    @cached_property
    def place(self) -> dict[str, int]:
        """{path below the data folder: its number}."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def roles(self) -> list[str]:
        of_folder: dict[str, str] = {}
        found = []
        for name in self.names:
            folder = name.rpartition("/")[0]
            if folder not in of_folder:
                of_folder[folder] = role_of_path(name)
            found.append(of_folder[folder])
        return found

    @cached_property
    def folders(self) -> frozenset[str]:
        """Names of the folders that photos lie in."""
        return frozenset(clean(name.rpartition("/")[0].rpartition("/")[2]) for name in self.names)

    @cached_property
    def by_folder(self) -> dict[str, list[int]]:
        """{name of a folder: all photos below it}; of two folders of one name neither."""
        below: dict[str, list[int]] = {}
        for parent, own in _grouped(self.names, lambda name: name.rpartition("/")[0]).items():
            parts = parent.split("/")
            for n in range(1, len(parts) + 1):
                below.setdefault("/".join(parts[:n]), []).extend(own)
        folders = list(below)
        named = _grouped(folders, lambda folder: folder.rpartition("/")[2])
        return {name: sorted(below[folders[at[0]]]) for name, at in named.items() if name and len(at) == 1}

    @cached_property
    def _spelt(self) -> list[str]:
        """The names as cells spell them, see `clean`."""
        return [n if n.isascii() and " " not in n else "/".join(map(clean, n.split("/"))) for n in self.names]

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        return _grouped(self._spelt, lambda name: name.rpartition("/")[2])

    @cached_property
    def _by_stem(self) -> dict[str, list[int]]:
        return _grouped(self._spelt, lambda name: stem_of(name.rpartition("/")[2]))

    @cached_property
    def _by_case(self) -> dict[str, list[int]]:
        return _grouped(self._spelt, lambda name: stem_of(name.rpartition("/")[2]).casefold())

    def beginning(self, values: Collection[str]) -> dict[str, list[int]]:
        """{value: photos whose names are that value, a mark (`_`, `-`, `.` or a blank) and something else}."""
        found: dict[str, list[int]] = {}
        for i, name in enumerate(self.names):
            stem = stem_of(name.rpartition("/")[2])
            for mark in MARK.finditer(stem):
                if (head := stem[: mark.start()]) in values:
                    found.setdefault(head, []).append(i)
        return found

    @cached_property
    def _by_number(self) -> dict[str, list[int]]:
        """{number without leading zeros: photos}, where all names that are numbers have one length."""
        found = {stem: hits for stem, hits in self._by_stem.items() if DIGITS.fullmatch(stem)}
        if len({len(stem) for stem in found}) != 1:
            return {}
        return {stem.lstrip("0") or "0": hits for stem, hits in found.items()}

    @property
    def loose(self) -> Self:
        """The same, whose names are found by what tools make of them too."""
        return replace(self, loosely=True)

    def matching(self, value: str) -> Match:
        """Photos that a cell may mean: of the most of its last folders, else those of its file name alone."""
        tail = value.replace("\\", "/").removeprefix("./").strip("/")
        found = self._as_written(tail)
        if found.rows or not self.loosely:
            return found
        folder, _, base = tail.rpartition("/")
        for form in self._forms(base):
            if (found := self._as_written(f"{folder}/{form}".strip("/"))).rows:
                return found._replace(bare=stem_of(base) == base)
        return Match([])

    def _forms(self, base: str) -> Iterator[str]:
        """What a name may have been before a spreadsheet, a labelling tool or a system without cases had it."""
        if number := SHORTENED.fullmatch(stem_of(base)):
            yield number[1]
            yield from {self._stem(i) for i in self._by_number.get(number[1], [])}
        plain = unquote(base)
        for name in (plain, UPLOADED.sub("", plain)):
            yield from (name, stem_of(name))
        cases = {self._stem(i) for i in self._by_case.get(stem_of(plain).casefold(), [])}
        yield from cases if len(cases) == 1 else ()

    def _stem(self, row: int) -> str:
        return stem_of(self._spelt[row].rpartition("/")[2])

    def _as_written(self, tail: str) -> Match:
        base = clean(tail.rpartition("/")[2])
        hits, bare = self._by_name.get(base), False
        if not hits:
            hits, bare = self._by_stem.get(base), True
        if not hits:
            return Match([])
        parts = tail.split("/")
        for n in range(len(parts) - 1):
            if found := _ending(self._spelt, hits, "/".join(map(clean, parts[n:])), bare):
                # Folders that differ in blanks alone are told apart by who writes them so.
                return Match(_ending(self.names, found, "/".join(parts[n:]), bare) or found, bare, "/".join(parts[:n]))
        return Match(hits, bare)

    def below_folder(self, folder: str) -> "Photos":
        """Those below one folder; InputError where there are none."""
        inside = folder.strip("/").removeprefix("./") + "/"
        kept = [i for i, name in enumerate(self.names) if inside == "/" or name.startswith(inside)]
        if not kept:
            raise InputError(
                f"--image: received {folder!r}, below which no photo lies; allowed: a folder of {self.root}"
            )
        return Photos(self.root, [self.names[i] for i in kept], self.sizes[kept], self.others)


def _ending(names: list[str], among: list[int], end: str, bare: bool) -> list[int]:
    paths = ((i, stem_of(names[i]) if bare else names[i]) for i in among)
    return [i for i, path in paths if path == end or path.endswith("/" + end)]


def of_role(photos: Photos, hits: list[int], role: str) -> list[int]:
    """Photos not in a folder of the other role, where there are such; else all."""
    other = {"train": ("test",), "test": ("train", "valid")}[role]
    return [i for i in hits if photos.roles[i] not in other] or hits


def passed_over(photos: Photos) -> str:
    """What to say of files beside the photos that may be pictures to people, "" where there are none."""
    found = Counter(
        {suffix: n for suffix, n in photos.others.items() if suffix[:1] == "." and suffix not in NO_PICTURES}
    )
    if not found:
        return ""
    kinds = ", ".join(f"{n:,} {suffix}" for suffix, n in found.most_common(4))
    return f"warning: passed over: {count(found.total(), 'file')} not read as photos ({kinds})"


def refuse_other_files(photos: Photos) -> None:
    """InputError where a folder holds no photo at all, naming what it holds instead."""
    if not photos.names:
        found = ", ".join(f"{count:,} {suffix}" for suffix, count in photos.others.most_common(4)) or "nothing"
        raise InputError(
            f"data folder {photos.root}: no photo in it; received {found}; allowed: photos as files ending in "
            f"{', '.join(SUFFIXES)} (archives unpacked; arrays, DICOM and records must be written as such first)"
        )


def _grouped(names: list[str], key: Callable[[str], str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        found.setdefault(key(name), []).append(i)
    return found
