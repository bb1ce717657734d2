"""Tables of a training and of a validation part that name photos alike: `1.jpg` of train/ and `1.jpg` of valid/."""

from dataclasses import replace

from trainable.data.layouts.locate import Located
from trainable.data.layouts.photos import Photos, stem_of
from trainable.data.layouts.sources import Table
from trainable.data.values import clean

Named = tuple[Table, tuple[str, Located]]  # a table, its column of photos and where they lie


def told_apart(train: Named, valid: Named) -> tuple[Table, Table]:
    """Both tables, names of one photo in a folder for validation and one elsewhere made the path of their own.

    Else rows of both would be one photo's, with one label counted once, or with two refused.
    """
    return _with_paths(*train, of_valid=False), _with_paths(*valid, of_valid=True)


def _with_paths(table: Table, image: tuple[str, Located], *, of_valid: bool) -> Table:
    column, located = image
    cells = [_path(located.photos, cell, of_valid) or cell for cell in table.frame[column]]
    return replace(table, frame=table.frame.assign(**{column: cells}))


def _path(photos: Photos, cell: str, of_valid: bool) -> str:
    """The path of the photo in the part's own folder, without ending where the cell has none; "" where one is meant."""
    name = clean(cell)
    rows = [row for row in photos.matching(name).rows if photos.roles[row] != "test"] if name else []
    own = [row for row in rows if (photos.roles[row] == "valid") == of_valid]
    if len(rows) != 2 or len(own) != 1:
        return ""
    path = photos.names[own[0]]
    return path if stem_of(name) != name else stem_of(path)
