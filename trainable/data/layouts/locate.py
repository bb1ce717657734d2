"""Which photos the values of a column name: in which folder, with or without a suffix, and how many were found."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import commonpath
from typing import Self

import numpy as np
import pandas as pd

from trainable.data.layouts.photos import DIGITS, SHORTENED, Match, Photos, of_role, stem_of
from trainable.data.values import clean
from trainable.errors import InputError
from trainable.words import few

LEAST = 0.5  # share of a column's values that must name photos for it to be a column of photos at all
MOST = 0.5  # share of a value's rows that must lack their photo for it to be named as one to drop


@dataclass(frozen=True)
class Located:
    """rows int64[N]: place of each row's photo in `photos`, -1 where there is none. values: what the cells say."""

    photos: Photos
    values: list[str]
    rows: np.ndarray
    bare: bool  # the values lack the suffix
    folder: str

    @classmethod
    def of_paths(cls, photos: Photos, paths: list[str]) -> Self:
        """Of photos that are named by their paths below the data folder."""
        rows = np.array([photos.place[path] for path in paths], np.int64)
        return cls(photos, paths, rows, False, _common(photos, paths, rows))

    @property
    def share(self) -> float:
        return float((self.rows >= 0).mean()) if len(self.rows) else 0.0

    @property
    def missing(self) -> list[str]:
        return [value for value, row in zip(self.values, self.rows.tolist(), strict=True) if row < 0]

    @property
    def otherwise(self) -> str:
        """How the first value is written that is not its photo's name: `leading zeros lost (7 is 0007.jpg)`, or ""."""
        for value, row in zip(self.values, self.rows.tolist(), strict=True) if self.photos.loosely else ():
            base, name = _base(value), clean(self.photos.names[row].rpartition("/")[2])
            if row < 0 or base in (name, stem_of(name)):
                continue
            stems = stem_of(base), stem_of(name)
            if stems[0] == stems[1]:
                return f"by names of another suffix ({base} is {name})"
            lost = SHORTENED.fullmatch(stems[0]) and DIGITS.fullmatch(stems[1]) and stems[1][0] == "0" != stems[1]
            return f"{'leading zeros lost as spreadsheets do' if lost else 'as tools write names'} ({value} is {name})"
        return ""

    def images(self) -> list[str]:
        """Path of each row's photo; "" where there is none."""
        return [self.photos.names[row] if row >= 0 else "" for row in self.rows.tolist()]

    def sentence(self, what: str, column: str) -> str:
        """`image = image_id + .jpg below train_images/: 21,397 of 21,397 found`."""
        kinds = Counter(self.photos.names[row].rpartition(".")[2] for row in self.rows.tolist() if row >= 0)
        suffix = f" + .{' or .'.join(sorted(kinds))}" if self.bare else ""
        if said := self.otherwise:
            suffix += f", {said}"
        place = f"below {self.folder}/" if self.folder else "below the data folder"
        return f"{what} = {column}{suffix} {place}: {len(self.rows) - len(self.missing):,} of {len(self.rows):,} found"


def locate(photos: Photos, values: Sequence[str], role: str, *, beside: str = "", source: object = "") -> Located:
    """Find the photo of every value. role: "train" or "test", whose folders are preferred where names repeat.

    beside: the folder of the table, preferred next. InputError where values name photos in two folders alike, or two
    photos in one.
    """
    values = [clean(value) for value in values]
    matches = _of_their_folders(values, [photos.matching(value) if value else Match([]) for value in values])
    bare = sum(match.bare for match in matches)
    found = [of_role(photos, rows, role) if len(rows) > 1 else rows for rows, _, _ in matches]
    if any(len(hits) > 1 for hits in found):
        found = _of_one_folder(photos, values, found, role, beside, source)
    rows = np.array([hits[0] if hits else -1 for hits in found], np.int64)
    return Located(photos, values, rows, bare * 2 > len(values), _common(photos, values, rows))


def locate_anyhow(
    photos: Photos, values: Sequence[str], role: str, *, beside: str = "", source: object = ""
) -> Located:
    """As `locate`; where photos are missing, by what tools make of names too, if more are found so."""
    found = locate(photos, values, role, beside=beside, source=source)
    if found.missing:
        again = locate(photos.loose, values, role, beside=beside, source=source)
        return again if again.share > found.share else found
    return found


def _base(value: str) -> str:
    return value.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _of_their_folders(values: list[str], matches: list[Match]) -> list[Match]:
    """The matches without those of a folder that is not there, where the folders of other values are.

    A table of another machine names folders above these; `b/1.jpg` is not a/1.jpg where `a/2.jpg` is itself.
    """
    above = {match.dropped for match in matches if match.dropped is not None}
    made = []
    for value, match in zip(values, matches, strict=True):
        own = match.dropped
        if own is None and match.rows:
            own = value.replace("\\", "/").removeprefix("./").strip("/").rpartition("/")[0]
        beyond = own and ("" in above or any(own.startswith(f"{folder}/") for folder in above))
        made.append(Match([]) if beyond else match)
    return made


def _of_one_folder(
    photos: Photos, values: list[str], found: list[list[int]], role: str, beside: str, source: object
) -> list[list[int]]:
    """The hits below the one folder in which (nearly) every value has exactly one."""
    once: Counter[str] = Counter()
    for hits in found:
        below = Counter(folder for i in hits for folder in _above(photos.names[i]))
        once.update(folder for folder, count in below.items() if count == 1)
    some = sum(1 for hits in found if hits)
    full = [folder for folder, count in once.items() if count == some]
    deepest = [f for f in full if not any(_inside(other, f) for other in full if other != f)]
    if len(deepest) > 1:
        same = [
            f for f in deepest if role == ("test" if "test" in f.lower() else "train" if "train" in f.lower() else "")
        ]
        deepest = (
            same
            if len(same) == 1
            else [f for f in deepest if beside and (f == beside or _inside(f, beside))] or deepest
        )
    if len(deepest) == 1:
        return [[i for i in hits if _inside(photos.names[i], deepest[0])] for hits in found]
    if len(deepest) > 1:
        readings = " or ".join(f"{f or '.'}/ (--image {f or '.'}/)" for f in sorted(deepest)[:3])
        names = [value for value, hits in zip(values, found, strict=True) if len(hits) > 1]
        more = ", or paths, where a name in several rows is several photos" if len({*names}) < len(names) else ""
        raise InputError(
            f"{source}: two readings: {some:,} of {len(values):,} values name photos below {readings}; "
            f"allowed: one of them, by its flag{more}"
        )
    twice = [(v, hits) for v, hits in zip(values, found, strict=True) if len(hits) > 1]
    named = few(f"{value!r} ({' and '.join(photos.names[i] for i in hits[:2])})" for value, hits in twice)
    raise InputError(
        f"{source}: ids that match two photos: received {named}; allowed: one photo an id, or --image FOLDER"
    )


def _above(name: str) -> list[str]:
    """Every folder that a path lies in, the data folder itself ("") too."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[:n]) for n in range(len(parts) + 1)]


def _inside(name: str, folder: str) -> bool:
    return not folder or name.startswith(folder + "/")


def _common(photos: Photos, values: list[str], rows: np.ndarray) -> str:
    """The folder below which the values stand as they are: common to all photos, less the folders that values name."""
    places = set()
    for value, row in zip(values, rows.tolist(), strict=True):
        if row >= 0:
            name, tail = photos.names[row], value.removeprefix("./").strip("/")
            short = next((n for n in (name, stem_of(name)) if n == tail or n.endswith("/" + tail)), None)
            places.add((short[: len(short) - len(tail)] if short else name.rpartition("/")[0]).strip("/"))
    if not places or "" in places:
        return ""
    return commonpath([f"/{p}" for p in places]).strip("/")


def refuse_missing(located: Located, column: str, source: object, frame: pd.DataFrame | None = None) -> None:
    """InputError where values have no photo, naming the first three. frame: the rows, if some may be dropped."""
    if located.missing:
        drop, these = ("COLUMN=VALUE", "") if frame is None else _shared(frame, located.rows < 0)
        raise InputError(
            f"{source}: no image found for {len(located.missing):,} of {len(located.values):,} ids in {column}: "
            f"received {few(map(repr, located.missing))}; allowed: a photo for each, --drop {drop} for rows that count "
            f"for nothing{these}, or, in a search, --skip-bad-images to train without them"
        )


def _shared(frame: pd.DataFrame, missing: np.ndarray) -> tuple[str, str]:
    """What to drop so that rows without a photo go: a value that they share and that few others have, and a remark."""
    for column in frame.columns:
        value = str(frame[column][missing].iloc[0])
        having = (frame[column].astype(str) == value).to_numpy()
        count, lost = int(having.sum()), int(missing.sum())
        if value and "," not in value and having[missing].all() and 1 < count <= lost / MOST < len(frame) / MOST:
            return shlex.quote(f"{column}={value}"), f" (all {lost:,} are among the {count:,} such rows)"
    return "COLUMN=VALUE", ""
