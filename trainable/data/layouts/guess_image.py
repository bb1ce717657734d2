"""Which column of a table names the photos: the one whose values are found as files, whatever it is called."""

from collections.abc import Sequence

import numpy as np

from trainable.data.flags import Flags
from trainable.data.headers import find, named
from trainable.data.layouts.locate import LEAST, Located, locate, locate_anyhow
from trainable.data.layouts.photos import Photos
from trainable.data.layouts.several import OF_ID
from trainable.data.layouts.sources import Table
from trainable.errors import InputError

TRIED = 200  # values of a column that are looked up before all are
DISTINCT = 0.5  # share of a column's values that differ, below which it names no photos


def guess_image(
    photos: Photos, table: Table, role: str, flags: Flags, *, among: Sequence[str] = (), prefer: str = ""
) -> tuple[str, Located] | None:
    """The column that names photos, and where they lie; None where no column does.

    among: the columns that the layout allows, empty for all. prefer: a header that is taken where several columns name
    the same photos. InputError where two columns name different photos, with the flag for each.
    """
    photos, column = _said(photos, table, flags, role)
    if column is not None:
        cells = table.frame[column].tolist()
        return column, locate_anyhow(photos, cells, role, beside=table.folder, source=table.path.name)
    # Numbers that name photos but for leading zeros are tried last: any column of them would, beside one that does.
    return _among(photos, table, role, among, prefer) or _among(photos.numbered, table, role, among, prefer)


def _among(photos: Photos, table: Table, role: str, among: Sequence[str], prefer: str) -> tuple[str, Located] | None:
    columns = [c for c in among or table.columns if c in table.columns and _may_name(photos, table, c)]
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
    hits = sum(bool(value and photos.matching(value)[0]) for value in drawn)
    return hits >= LEAST * len(drawn)
