"""Tables that people leave in a data folder and that hold no labels: lists of classes, notes of a few photos, earlier
submissions."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from trainable.data.headers import find
from trainable.data.layouts.class_folders import FIRST_PART, levels_of, parted
from trainable.data.layouts.locate import Located
from trainable.data.layouts.photos import Photos, stem_of
from trainable.data.layouts.sources import Table
from trainable.data.values import clean
from trainable.errors import InputError


def cells_of(frame: pd.DataFrame) -> Iterator[str]:
    return (clean(value) for column in frame for value in frame[column])


def refuse_few(
    photos: Photos, table: Table, column: str, rows: np.ndarray, asked: set[str], test: Sequence[Table]
) -> None:
    """InputError where a table names at most half of the photos, and all lie in few folders, which may be classes.

    A column `label` says otherwise, unless its values are names of these folders, or begin the names of all photos.
    rows: the photos that it and tables of a validation part name. asked: names and ids of photos that are to be
    predicted, which do not count, nor do those of test tables.
    """
    named, where = len(rows), table.path.name
    roles = [*zip(photos.names, photos.roles, strict=True)]
    train = [n for n, role in roles if role in ("train", "valid")] or [n for n, role in roles if role != "test"]
    if 2 * named > len(train):
        return
    asked = asked.union(*(cells_of(t.frame) for t in test))
    base = {n: n.rpartition("/")[2] for n in train}
    train = [n for n in train if not asked & {n, base[n], stem_of(base[n])}]
    if 2 * named > len(train):
        return
    folders, label = parted(train)[2], find(table.columns, "label", table.path)
    begin = [FIRST_PART.match(f"{stem_of(name.rpartition('/')[2])}.") for name in train]
    kinds = {
        "folders that all lie in": {clean(folder[0]) for folder in folders if folder} if levels_of(folders) else set(),
        "first parts of all names": {match[1] if match else "" for match in begin} if label is not None else set(),
    }
    for what, classes in kinds.items():
        if 1 < len(classes) < named and (label is None or set(table.frame[label].map(clean)) <= classes):
            raise InputError(
                f"{where}: two readings: {column} names {named:,} of {len(train):,} photos (--image {column}), or the "
                f"{what} are classes; allowed: the flag, or {where} taken away"
            )


def of_test_alone(photos: Photos, located: Located, asked: set[str]) -> bool:
    """Whether all photos that a table names are of test folders, or asked for by a sample submission, and others are
    there: it is an earlier submission."""
    roles = {photos.roles[row] for row in located.rows.tolist() if row >= 0}
    others = len(set(located.rows.tolist())) < len(photos.names)
    return others and (roles == {"test"} != {*photos.roles} or (roles == {""} and set(located.values) <= asked))


def refuse_list_of_classes(photos: Photos, table: Table, column: str) -> None:
    """InputError where a table whose `column` names photos is a list of classes, by folders that more photos lie in."""
    for name in table.columns:
        if inside := of_folders(photos, table.frame[name]):
            where, rows = table.path.name, len(table.frame)
            raise InputError(
                f"{where}: two readings: {column} names {rows:,} photos (--image {column}), or {name} names folders "
                f"of {len(inside):,} photos; allowed: the flag, or {where} taken away where folders are the classes"
            )


def of_folders(photos: Photos, values: pd.Series) -> list[str]:
    """Photos in folders that are called as the values, where these are more than values and called otherwise: a list
    of classes, whose numbers photos may have for names too. Empty where values are no names of folders."""
    distinct = {clean(value) for value in values} if len(values) < len(photos.names) else set()
    if len(distinct) < len(values) or len(distinct) < 2 or not distinct <= photos.folders:
        return []
    parts = [(name, name.split("/")) for name in photos.names if "/" in name]
    inside = [(name, part) for name, part in parts if clean(part[-2]) in distinct]
    others = any(not part[-1].startswith(part[-2]) for _, part in inside)
    return [name for name, _ in inside] if others and len(inside) > len(values) else []
