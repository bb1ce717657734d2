"""Tables with the folder of a photo in one column and its name in another, as camera traps' and seasons' are: the same
names in every folder are different photos.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from trainable.data.layouts.photos import Photos
from trainable.data.layouts.sources import Table
from trainable.data.values import clean

TRIED = 200  # values of a column that are looked up before all are


def with_folders(photos: Photos, table: Table) -> Table:
    """The table with the folder before each name, where names alone are several photos and one column has folders."""
    endings = {end for name in photos.names for end in _endings(name)}
    cells = {c: table.frame[c].map(_plain).tolist() for c in table.columns}
    places = [c for c, values in cells.items() if 1 < len({*values}) < len(values) and {*values} <= endings]
    for name, values in cells.items() if places else ():
        if name in places or not _of_several(photos, values):
            continue
        for place in places:
            paths = [f"{folder}/{value}" for folder, value in zip(cells[place], values, strict=True)]
            found = [photos.matching(path) for path in paths]
            if all(len(match.rows) == 1 and match.dropped == "" for match in found):
                note = f"{name}: behind the folder of {place}, since names alone are several photos ({paths[0]})"
                return replace(table, frame=table.frame.assign(**{name: paths}), notes=(*table.notes, note))
    return table


def _plain(cell: str) -> str:
    return clean(cell).replace("\\", "/").strip("/").removeprefix("./")


def _endings(name: str) -> Iterator[str]:
    """The folder that a path lies in, and its ends: `a/b` and `b` of a/b/1.jpg."""
    parts = [clean(part) for part in name.split("/")[:-1]]
    return ("/".join(parts[n:]) for n in range(len(parts)))


def _of_several(photos: Photos, values: list[str]) -> bool:
    """Whether values drawn evenly from a column are all names of photos, some of them of several."""
    drawn = [values[i] for i in np.unique(np.linspace(0, len(values) - 1, TRIED).astype(int)).tolist()]
    found = [len(photos.matching(value).rows) if value else 0 for value in drawn]
    return all(found) and max(found) > 1
