"""Tables in which one row has several photos: in several columns (`--image front,back`), or in a folder that its id
names (`ID/1.jpg`, `ID/2.jpg`). They are made tables of a row a photo, which remember the row that they came from.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from trainable.data.flags import Flags
from trainable.data.headers import find, named
from trainable.data.layouts.photos import Photos
from trainable.data.layouts.sample import Sample
from trainable.data.layouts.sources import Table
from trainable.data.manifest import ITEM
from trainable.data.values import clean
from trainable.errors import InputError
from trainable.words import few

OF_ROW = "row of the photo"  # column that such a table has beside its own
OF_FOLDER = "photo of the folder"
TRIED = 200  # values of a column that are looked up before all are
LEAST = 0.5  # share of them that must name folders


def spread(photos: Photos, table: Table, flags: Flags, sample: Sample | None, *, labelled: bool) -> Table:
    """The table with a row a photo, where its rows have several; else as it is.

    labelled: whether it may have labels: ids are then folders only if those of the sample are, or `--id` names them,
    since a list of classes names folders too.
    """
    if flags.image is not None:
        columns = _columns(table, flags.image)
        return _of_columns(table, columns, flags.image) if columns else table
    folders = photos.by_folder
    said = None if flags.id is None else find(table.columns, flags.id, table.path)
    asked = sample is not None and _share(sample.table[sample.named[0]], folders.__contains__) >= LEAST
    if labelled and said is None and not asked:
        return table
    if any(_share(table.frame[c], lambda value: bool(photos.matching(value)[0])) >= LEAST for c in table.columns):
        return table
    shares = {c: _share(table.frame[c], folders.__contains__) for c in table.columns}
    column = max(shares, key=lambda c: shares[c], default="")
    return _of_folders(photos, table, column) if column and shares[column] >= LEAST else table


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


def _of_folders(photos: Photos, table: Table, column: str) -> Table:
    """A row a photo of the folders that a column names; InputError for values that name none."""
    values = table.frame[column].map(clean).tolist()
    lost = [value for value in values if value not in photos.by_folder]
    if lost:
        raise InputError(
            f"{table.path.name}: no folder of photos for {len(lost):,} of {len(values):,} ids in {column}: received "
            f"{few(map(repr, lost))}; allowed: a folder for each"
        )
    held = [photos.by_folder[value] for value in values]
    row = np.repeat(np.arange(len(values)), [len(names) for names in held])
    made = table.frame.iloc[row].reset_index(drop=True)
    made[OF_FOLDER] = [name for names in held for name in names]
    made[OF_ROW] = [f"row {n}" for n in row]
    note = f"{table.path.name}: {len(row):,} photos in {len(values):,} folders that {column} names"
    return Table(made, table.path, table.folder, (*table.notes, note))


def _share(values: pd.Series, known: Callable[[str], bool]) -> float:
    drawn = values.iloc[np.unique(np.linspace(0, len(values) - 1, TRIED).astype(int))].map(clean)
    if drawn.nunique() < LEAST * max(1, len(drawn)):  # 0 and 1 are names of photos, and no ids
        return 0.0
    return float(np.mean([bool(value) and known(value) for value in drawn]))
