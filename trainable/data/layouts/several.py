"""Tables in which one row has several photos: in several columns (`--image front,back`), in a folder that its id names
(`ID/1.jpg`, `ID/2.jpg`), or under names that begin with its id (`ID_front.jpg`, `ID_back.jpg`). They are made tables
of a row a photo, which remember the row that they came from.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from trainable.data.flags import Flags
from trainable.data.headers import find, named
from trainable.data.layouts.photos import Photos, of_role
from trainable.data.layouts.sample import Sample
from trainable.data.layouts.sources import Table
from trainable.data.manifest import ITEM
from trainable.data.values import clean
from trainable.errors import InputError
from trainable.words import few

OF_ROW = "row of the photo"  # column that such a table has beside its own
OF_ID = "photo of the id"
TRIED = 200  # values of a column that are looked up before all are
LEAST = 0.5  # share of them that must name folders
HeldBy = Callable[[Photos, pd.Series], dict[str, list[int]]]


def spread(photos: Photos, table: Table, flags: Flags, sample: Sample | None, *, labelled: bool) -> Table:
    """The table with a row a photo, where its rows have several; else as it is.

    labelled: whether it may have labels: ids are then folders, or beginnings of names, only if those of the sample are,
    or `--id` names them, since a list of classes names folders too.
    """
    if flags.image is not None:
        columns = _columns(table, flags.image)
        return _of_columns(table, columns, flags.image) if columns else table
    said = None if flags.id is None else find(table.columns, flags.id, table.path)
    if labelled and said is None and not (sample is not None and _several(photos, sample.table[sample.named[0]])):
        return table
    if any(_names_photos(photos, table.frame[c]) for c in table.columns):
        return table
    for held_by in (_folders, _beginnings):
        found = {c: held_by(photos, table.frame[c]) for c in ([said] if said is not None else table.columns)}
        found = {c: held for c, held in found.items() if held}
        if found:
            return _of_ids(photos, table, _one_column(table, found), held_by, "train" if labelled else "test")
    return table


def refuse_ids_as_classes(photos: Photos, tables: Sequence[Table]) -> None:
    """InputError where names of photos begin with the values of a table that tells more of them: are these classes?"""
    for table in tables:
        repeats = [c for c in table.columns if 1 < table.frame[c].nunique() <= len(table.frame) / 2]
        for column in table.columns if repeats else []:
            if _beginnings(photos, table.frame[column]):
                where = table.path.name
                raise InputError(
                    f"{where}: two readings: names of photos begin with the values of {column}, which are ids (--id "
                    f"{column}: one answer for the photos of each) or classes (take {where} away); allowed: one of them"
                )


def spread_sample(photos: Photos, sample: Sample | None, flags: Flags) -> Table | None:
    """The photos of a sample submission whose ids name folders, as a test table; None where they do not."""
    if sample is None or flags.image is not None:
        return None
    table = Table(sample.table[sample.named[:1]], sample.path, "")
    made = spread(photos, table, flags, sample, labelled=False)
    return None if made is table else made


def items_of(frame: pd.DataFrame, column: str | None) -> pd.Series | None:
    """What each row of a table is a photo of: the row it came from, or the value of a column; None for neither."""
    if OF_ROW in frame:
        return frame[OF_ROW]
    return None if column is None else frame[column].map(clean)


def joined_items(
    frame: pd.DataFrame, items: pd.Series, labels: pd.Series, grouped: bool, where: str
) -> tuple[pd.DataFrame, list[str]]:
    """The manifest's rows with their items, and what to say: the first photo of each is scored, the others only train.

    items, labels: of the rows. grouped: whether groups were given, one of which each item must be in; else an item is
    one. InputError for an item with two labels or in two groups.
    """
    number, _ = pd.factorize(items)
    for what, values in (("labels", labels), *((("groups", frame["group"]),) if grouped else ())):
        pairs = pd.DataFrame({"item": number, "value": values.to_numpy()}).drop_duplicates()
        several = pairs[pairs["item"].duplicated(keep=False)].groupby("item")["value"]
        if len(several):
            shown = dict(zip(number[::-1], frame["image"][::-1], strict=True))
            found = few(f"{shown[n]} and others ({', '.join(list(v)[:3])})" for n, v in several)
            raise InputError(f"{where}: photos of one answer with several {what}: received {found}; allowed: one")
    first = ~pd.Series(number).duplicated().to_numpy()
    made = frame.assign(extra=frame["extra"].to_numpy(bool) | ~first, **{ITEM: number.astype(np.int64)})
    if not grouped:
        made["group"] = made["image"].to_numpy()[first][number]
    each = np.bincount(number)
    return made, [
        f"one answer for {len(each):,} of {len(frame):,} photos, {each.min()} to {each.max()} each: their mean"
    ]


def _columns(table: Table, image: str) -> tuple[str, ...]:
    """The columns that `--image` names between commas; none where it names one, a folder, or columns of others."""
    if "," not in image or find(table.columns, image, table.path) is not None:
        return ()
    found = tuple(find(table.columns, name.strip(), table.path) or "" for name in image.split(","))
    if any(found) and not all(found):
        for name in image.split(","):
            named(table.columns, name.strip(), "--image", table.path.name)
    return found if all(found) else ()


def _of_columns(table: Table, columns: Sequence[str], name: str) -> Table:
    """A row a photo, in the order of the rows; empty cells are no photos unless a row has no other."""
    cells = table.frame[list(columns)].map(clean).to_numpy(str)
    kept = cells != ""
    kept[:, 0] |= ~kept.any(1)
    row, place = np.nonzero(kept)
    frame = table.frame.drop(columns=list(columns)).iloc[row].reset_index(drop=True)
    frame[name], frame[OF_ROW] = cells[row, place], [f"row {n}" for n in row]
    note = f"{table.path.name}: {len(row):,} photos in {', '.join(columns)} of {len(cells):,} rows"
    return Table(frame, table.path, table.folder, (*table.notes, note))


def _of_ids(photos: Photos, table: Table, column: str, held_by: HeldBy, role: str) -> Table:
    """A row a photo of the ids in a column; InputError for ids without one, and for a photo that two ids name."""
    values = table.frame[column].map(clean).tolist()
    held = {value: of_role(photos, at, role) for value, at in held_by(photos, table.frame[column]).items()}
    in_folders = held_by is _folders
    if lost := [value for value in values if value not in held]:
        what = "no folder of photos" if in_folders else "no photo whose name begins with it"
        raise InputError(
            f"{table.path.name}: {what} for {len(lost):,} of {len(values):,} ids in {column}: received "
            f"{few(map(repr, lost))}; allowed: {'a folder' if in_folders else 'a photo'} for each"
        )
    owners: dict[int, list[str]] = {}
    for value in dict.fromkeys(values):
        for i in held[value]:
            owners.setdefault(i, []).append(value)
    if twice := [f"{photos.names[i]} ({' and '.join(ids[:2])})" for i, ids in owners.items() if len(ids) > 1]:
        raise InputError(
            f"{table.path.name}: two readings: photos that two ids in {column} name: received {few(twice)}; allowed: "
            "one id a photo, or a table with a row a photo"
        )
    row = np.repeat(np.arange(len(values)), [len(held[value]) for value in values])
    made = table.frame.iloc[row].reset_index(drop=True)
    made[OF_ID] = [photos.names[i] for value in values for i in held[value]]
    made[OF_ROW] = [f"row {n}" for n in row]
    told = f"{len(values):,} folders that {column} names"
    if not in_folders:
        most = max(values, key=lambda value: len(held[value]))
        shown = few(photos.names[i].rpartition("/")[2] for i in held[most])
        told = f"names that begin with the {len(values):,} values of {column}: {shown} of {most}"
    note = f"{table.path.name}: {len(row):,} photos in {told}"
    return Table(made, table.path, table.folder, (*table.notes, note))


def _one_column(table: Table, found: dict[str, dict[str, list[int]]]) -> str:
    """The column whose ids have photos; InputError where those of two columns have different ones."""
    photos_of = {c: {i for at in held.values() for i in at} for c, held in found.items()}
    most = max(len(own) for own in photos_of.values())
    best = [c for c, own in photos_of.items() if len(own) == most]
    of_rows = [[found[c].get(value) for value in table.frame[c].map(clean)] for c in best]
    if any(own != of_rows[0] for own in of_rows):
        readings = " or ".join(f"{c} (--id {c})" for c in best[:3])
        raise InputError(
            f"{table.path.name}: two readings: ids of several photos are in {readings}; allowed: one, by its flag"
        )
    return best[0]


def _several(photos: Photos, ids: pd.Series) -> bool:
    """Whether ids stand for several photos each, which a folder of their name holds or whose names begin with them."""
    if _folders(photos, ids):
        return True
    return not _names_photos(photos, ids) and bool(_beginnings(photos, ids))


def _names_photos(photos: Photos, values: pd.Series) -> bool:
    return _share(values, lambda value: bool(photos.matching(value).rows)) >= LEAST


def _folders(photos: Photos, values: pd.Series) -> dict[str, list[int]]:
    """{value: photos of the folder of that name}; empty where most values name none."""
    folders = photos.by_folder
    if _share(values, folders.__contains__) < LEAST:
        return {}
    return {value: folders[value] for value in values.map(clean) if value in folders}


def _beginnings(photos: Photos, values: pd.Series) -> dict[str, list[int]]:
    """{value: photos whose names begin with it}; empty where most values begin none."""
    found = photos.beginning(set(values.map(clean)))
    return found if _share(values, found.__contains__) >= LEAST else {}


def _share(values: pd.Series, known: Callable[[str], bool]) -> float:
    drawn = values.iloc[np.unique(np.linspace(0, len(values) - 1, TRIED).astype(int))].map(clean)
    if drawn.nunique() < LEAST * max(1, len(drawn)):  # 0 and 1 are names of photos, and no ids
        return 0.0
    return float(np.mean([bool(value) and known(value) for value in drawn]))
