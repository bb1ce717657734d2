"""Which column of a table names the photos: the one whose values are found as files, whatever it is called."""

import re
from collections.abc import Sequence

import numpy as np

from trainable.data.flags import Flags
from trainable.data.headers import find, named
from trainable.data.layouts.locate import LEAST, Located, locate, locate_anyhow
from trainable.data.layouts.photos import DIGITS, Photos, stem_of
from trainable.data.layouts.several import OF_ID
from trainable.data.layouts.sources import Table
from trainable.data.layouts.strays import of_folders
from trainable.data.values import clean
from trainable.errors import InputError

TRIED = 200  # values of a column that are looked up before all are
INDEX = re.compile(r"|unnamed: ?[0-9]+|index|(__index_)?level_[0-9]+(__)?", re.IGNORECASE)  # headers that pandas gives
DISTINCT = 0.5  # share of a column's values that differ, below which it names no photos


def guess_image(
    photos: Photos, table: Table, role: str, flags: Flags, *, among: Sequence[str] = (), prefer: str = ""
) -> tuple[str, Located] | None:
    """The column that names photos, and where they lie; None where no column does.

    among: the columns that the layout allows, of which the first counts that names photos; empty for all. prefer: a
    header that is taken where several columns name the same photos. InputError where two columns name different
    photos, with the flag for each.
    """
    photos, column = _said(photos, table, flags, role)
    if table.path == photos.root:  # made of the photos themselves
        cells = table.frame[among[0]].tolist()
        return among[0], Located.of_paths(photos, cells)
    if column is not None:
        cells = table.frame[column].tolist()
        found = column, locate_anyhow(photos, cells, role, beside=table.folder, source=table.path.name)
        return _with_header(photos, table, *found)
    index = [c for c in table.columns if INDEX.fullmatch(clean(c))]
    own = [c for c in table.columns if c not in index]
    # What is found loosely is tried last: any column of small numbers would name photos, beside one that does.
    sets = [[c] for c in among if c in table.columns] if among else [own, index]
    tries = [(some, names) for names in sets for some in (photos, photos.loose)]
    made = next((one for some, names in tries if (one := _among(some, table, role, names, prefer))), None)
    if made is None:
        return None
    if made[1].missing:
        cells = table.frame[made[0]].tolist()
        made = made[0], locate_anyhow(photos, cells, role, beside=table.folder, source=f"{table.path.name}: {made[0]}")
    if not among:
        _refuse_other_names(photos, table, own, role, *made)
    return _with_header(photos, table, *made)


def _with_header(photos: Photos, table: Table, column: str, located: Located) -> tuple[str, Located]:
    """What was found; InputError where the header is a photo that no row names: it is a row, and the table has none."""
    if column in table.columns and (stem_of(column) != column or _like_a_row(table, column)):
        rows = photos.matching(column).rows
        if rows and not set(rows) & set(located.rows.tolist()):
            raise InputError(
                f"{table.path.name}: the first line is no header: received {', '.join(table.columns[:4])}, of which "
                f"{column} is a photo; allowed: a line of names above it, such as image,label"
            )
    return column, located


def _like_a_row(table: Table, column: str) -> bool:
    """Whether a header beside `column` is one of the values below it, as of a row."""
    return any(name in set(table.frame[name]) for name in table.columns if name != column)


def _refuse_other_names(
    photos: Photos, table: Table, columns: Sequence[str], role: str, column: str, located: Located
) -> None:
    """InputError where numbers are taken for names of photos, and a column of file names says otherwise, or nothing.

    Numbers count rows, and are names of photos by chance.
    """
    if not all(DIGITS.fullmatch(stem_of(value)) and not _is_file(value) for value in located.values if value):
        return
    for other in columns:
        cells = table.frame[other].map(clean)
        if other == column or sum(map(_is_file, cells)) < LEAST * len(cells) or cells.nunique() < DISTINCT * len(cells):
            continue
        found = locate_anyhow(photos, cells.tolist(), role, beside=table.folder, source=f"{table.path.name}: {other}")
        numbers, files = located.sentence("image", column), found.sentence("image", other)
        both = (found.rows >= 0) & (located.rows >= 0)
        if found.share < LEAST:
            raise InputError(
                f"{table.path.name}: {files}, such as {found.missing[0]!r}, and by number {numbers}; allowed: the "
                f"photos that {other} names, or --image {column or 'COLUMN, with a name for the first column'}"
            )
        if (found.rows != located.rows)[both].any():
            raise InputError(
                f"{table.path.name}: two readings: {numbers} (--image {column}), or {files} (--image {other}); "
                "allowed: one of them, by its flag"
            )


def _is_file(value: str) -> bool:
    """Whether a cell is a file's name by its suffix; not that of an address, which is where a photo came from."""
    return stem_of(value) != value and "://" not in value


def _among(photos: Photos, table: Table, role: str, columns: Sequence[str], prefer: str) -> tuple[str, Located] | None:
    columns = [c for c in columns if _may_name(photos, table, c)]
    found = {
        c: locate(photos, table.frame[c].tolist(), role, beside=table.folder, source=f"{table.path.name}: {c}")
        for c in columns
    }
    found = {c: located for c, located in found.items() if located.share >= LEAST}
    if not found:
        return None
    most = max(located.share for located in found.values())
    best = [c for c, located in found.items() if located.share == most]
    # Small numbers are names of photos by chance, over and over: what names more of them is meant.
    named_photos = {c: len(np.unique(found[c].rows)) for c in best}
    best = [c for c in best if named_photos[c] == max(named_photos.values())]
    first = next((c for c in best if find([c], prefer, table.path) is not None), best[0]) if prefer else best[0]
    other = [c for c in best if not np.array_equal(found[c].rows, found[first].rows)]
    if other:
        raise InputError(
            f"{table.path.name}: two readings: {found[first].sentence('image', first)} (--image {first}), or "
            f"{found[other[0]].sentence('image', other[0])} (--image {other[0]}); allowed: one of them, by its flag, "
            f"or --image {','.join(c for c in table.columns if c == first or c in other)}, whose photos have one label"
        )
    return first, found[first]


def _said(photos: Photos, table: Table, flags: Flags, role: str) -> tuple[Photos, str | None]:
    """The photos and the column that flags leave: `--image` is a column where there is one of that name."""
    if OF_ID in table.frame:
        return photos, OF_ID
    if flags.image is not None:
        if not flags.image.endswith("/") and (column := find(table.columns, flags.image, table.path)) is not None:
            return photos, column
        if (photos.root / flags.image).is_dir():
            # Test photos may lie elsewhere: the flag is about those that train, and about those where they are there.
            return (photos.below_folder(flags.image) if role == "train" else photos), None
        if role == "train":
            return photos, named(table.columns, flags.image, "--image", table.path.name)
    if (
        flags.id is not None
        and (column := find(table.columns, flags.id, table.path)) is not None
        and _may_name(photos, table, column)
    ):
        return photos, column
    return photos, None


def _may_name(photos: Photos, table: Table, column: str) -> bool:
    """Whether values drawn evenly from a column are photos more often than not, and mostly differ."""
    values = table.frame[column]
    drawn = values.iloc[np.unique(np.linspace(0, len(values) - 1, TRIED).astype(int))].str.strip()
    if drawn.nunique() < DISTINCT * len(drawn):
        return False
    found = [len(photos.matching(value).rows) if value else 0 for value in drawn]
    if sum(count > 1 for count in found) > len(drawn) / 2 and of_folders(photos, values):
        return False  # classes, whose numbers photos have in each of their folders
    return sum(map(bool, found)) >= LEAST * len(drawn)
