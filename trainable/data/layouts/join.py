"""What a table does not say of its photos itself: columns of the other tables that name them, their folder,
and how their names begin."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from trainable.data.headers import find
from trainable.data.layouts.class_folders import levels_of, parted
from trainable.data.layouts.locate import Located
from trainable.data.layouts.photos import stem_of
from trainable.data.layouts.several import OF_ROW
from trainable.data.layouts.sources import Table
from trainable.data.values import clean

FOLDER = "folder"  # column of the folder that a photo lies in, where folders may be classes, groups or sites

PART, FRONT = "part_1", "front"  # what names of photos begin with, before a number: one word, or several
DERIVED = (FOLDER, PART, FRONT)
NUMBERED = re.compile(r"([^\W\d_]{3,}(?:[ _-][^\W\d_]+)*)[._\- ]?\(?[0-9]+\)?")
# What cameras and programs begin names with: no classes.
BEGINNINGS = {"cam", "capture", "cimg", "dcim", "dji", "dsc", "dscf", "dscn", "file", "frame", "gopr", "id", "im",
              "imag", "image", "img", "isic", "jpeg", "mvi", "photo", "pic", "picture", "pxl", "sam", "scan",
              "screenshot", "slide", "snapshot", "test", "tile", "train", "val", "valid", "wp"}  # fmt: skip

Found = tuple[Table, tuple[str, Located]]


def joined(train: Found, others: list[Found]) -> tuple[Table, tuple[str, ...], list[str]]:
    """The labelled table with the columns of others that have a row for each of its photos.

    Returns it with the names of these columns and what to say; a table that names a photo twice, or others, is left
    out, and so is one for a table whose rows have several photos.
    """
    (table, (_, located)), lines, columns = train, [], []
    frame = table.frame
    for other, (image, found) in others:
        new = [c for c in other.columns if c != image and find(frame.columns, c, other.path) is None]
        place = {row: n for n, row in enumerate(found.rows.tolist()) if row >= 0}
        known = sum(row in place for row in located.rows.tolist())
        once = len(place) == int((found.rows >= 0).sum())
        if not new or not once or OF_ROW in frame or OF_ROW in other.frame or 2 * known < len(frame):
            lines.append(f"warning: {other.path.name} is left out: the labelled rows are in {table.path.name}")
            continue
        rows = [place.get(row, -1) for row in located.rows.tolist()]
        more = other.frame[new].reset_index(drop=True).reindex(rows).fillna("").reset_index(drop=True)
        frame = pd.concat([frame.reset_index(drop=True), more], axis=1)
        columns += new
        lines.append(f"{other.path.name}: {', '.join(new[:4])} of {known:,} of {len(frame):,} photos, by its {image}")
    return replace(table, frame=frame), tuple(columns), lines


def with_folder(table: Table, located: Located) -> Table:
    """The table with the column `folder` where photos lie in one of several folders, each of which holds several.

    Not where the folder is how its photos' names begin, which only spreads many photos over folders.
    """
    images = located.images()
    if FOLDER in table.columns or OF_ROW in table.frame or not all(images):
        return table
    folders = parted(images)[2]
    if levels_of(folders) != 1:
        return table
    names = pd.Series([path[0] for path in folders], dtype=str)
    if names.nunique() > len(names) / 2:
        return table
    stems = (stem_of(image.rpartition("/")[2]) for image in images)
    if all(stem.startswith(name) for stem, name in zip(stems, names, strict=True)):
        return table
    return replace(table, frame=table.frame.assign(**{FOLDER: names.to_numpy()}))


def with_beginning(table: Table, located: Located) -> Table:
    """The table with a column of what names of photos begin with, where that may be their class: `cat.0`, `dog.1`."""
    images = located.images()
    found = [NUMBERED.fullmatch(stem_of(image.rpartition("/")[2])) for image in images]
    words = [match[1] for match in found if match is not None]
    name = FRONT if any(re.search("[ _-]", word) for word in words) else PART
    kinds = {clean(word).casefold() for word in words}
    if OF_ROW in table.frame or name in table.columns or len(words) < len(images) or kinds & BEGINNINGS:
        return table
    if not 1 < len(kinds) <= len(words) / 2:
        return table
    return replace(table, frame=table.frame.assign(**{name: words}))


def folders_of(images: Sequence[str], items: Sequence[int] | None) -> tuple[str, ...] | None:
    """The folder of each test row, where all photos lie one folder deep; None where they do not.

    items: the row of each image, rising; None where each is a row.
    """
    folders = parted([*images])[2]
    if levels_of(folders) != 1:
        return None
    return tuple(path[0] for n, path in enumerate(folders) if items is None or n == 0 or items[n] != items[n - 1])
