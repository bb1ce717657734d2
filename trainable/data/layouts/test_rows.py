"""What is to be predicted: the ids of a sample submission, else the rows of a test table, else photos below test/."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from trainable.data.flags import Flags
from trainable.data.headers import find
from trainable.data.layouts.guess_image import guess_image
from trainable.data.layouts.locate import LEAST, Located, locate_anyhow, refuse_missing
from trainable.data.layouts.photos import Photos
from trainable.data.layouts.sample import Sample
from trainable.data.layouts.several import OF_ID, OF_ROW
from trainable.data.layouts.sources import Table
from trainable.data.values import clean
from trainable.errors import InputError
from trainable.words import count, few

IMAGE = "image"


@dataclass(frozen=True)
class TestRows:
    """table: the submission as it is to be, answers empty or as in the sample. id: its column of ids. answers: its
    other columns, unnamed ones left out; empty where nothing says. known: the test table's rows in the same order, None
    where there is none. bare: whether ids lack their suffix. items: the row of `table` of each image, rising, where
    rows have several photos; None where each has one. item: the column whose values tell what is one row.
    """

    table: pd.DataFrame
    images: list[str]
    id: str
    answers: tuple[str, ...]
    known: pd.DataFrame | None
    bare: bool
    source: str
    lines: tuple[str, ...] = field(default=())
    items: tuple[int, ...] | None = None
    item: str | None = None

    __test__ = False  # not a test case, whatever pytest thinks of the name


def find_test(
    photos: Photos, table: Table | None, sample: Sample | None, flags: Flags, images: Sequence[str]
) -> TestRows | None:
    """The rows to predict, None where there are none. images: the columns that may name photos, empty for all."""
    found = None
    if table is not None:
        found = guess_image(photos, table, "test", flags, among=images, prefer=_first_id(table, sample, flags))
        if found is None:
            raise InputError(
                f"{table.path.name}: no image found: received columns {', '.join(table.columns[:8])}; allowed: one "
                f"whose values name photos, with or without suffix, or {table.path.name} taken away with the sample "
                "submission where its photos are not here"
            )
        refuse_missing(found[1], found[0], table.path.name)
        _refuse_elsewhere(found[1], table.path.name)
    if sample is not None:
        rows = (
            _of_table(table, found, sample) if table is not None and found is not None else _of_photos(photos, sample)
        )
        kept = f"{', '.join(sample.usage)} of {sample.path.name}: which rows are public, kept as it is"
        return replace(rows, lines=(*rows.lines, kept)) if sample.usage else rows
    if table is not None and found is not None:
        return _without_sample(table, found, flags)
    names = [name for name, role in zip(photos.names, photos.roles, strict=True) if role == "test"]
    if not names:
        return None
    folder = f"{len(names):,} photos of test folders, in the order of their names"
    return TestRows(
        pd.DataFrame({IMAGE: names}, dtype=str), names, IMAGE, (), None, False, "test folder", (f"test: {folder}",)
    )


def _without_sample(table: Table, found: tuple[str, Located], flags: Flags) -> TestRows:
    """The rows of the test table; one that was spread over photos is gathered again."""
    where, column = table.path.name, find(table.columns, flags.id, table.path.name) if flags.id else None
    frame, items = table.frame, None
    if OF_ROW in frame:
        first = ~frame[OF_ROW].duplicated()
        items = tuple((first.cumsum() - 1).tolist())
        frame = frame[first].drop(columns=[c for c in (OF_ROW, OF_ID, found[0]) if c in frame])
        column = column or str(frame.columns[0])
    lines = (f"test: {len(frame):,} rows of {where}", found[1].sentence(f"{IMAGE} of test", found[0]))
    bare = found[1].bare or items is not None
    return TestRows(frame, found[1].images(), column or found[0], (), frame, bare, where, lines, items)


def _first_id(table: Table, sample: Sample | None, flags: Flags) -> str:
    if flags.id is not None:
        return flags.id
    return next((c for c in sample.named if find(table.columns, c, table.path.name)), "") if sample else ""


def _of_table(table: Table | None, found: tuple[str, Located], sample: Sample) -> TestRows:
    """The sample's rows, each with the row of the test table that has its id."""
    assert table is not None
    where, path = table.path.name, sample.path.name
    ids, known, _ = _same_values(table, sample)
    if not ids:
        asked = sample.table[sample.named[0]]
        raise InputError(
            f"{path}: ids that {where} lacks: received {few(map(repr, asked))}; allowed: the ids of {where}"
        )
    images = found[1].images()
    rows: dict[str, dict[str, int]] = {}  # of each id its photos, and the first row of each
    for i, value in enumerate(table.frame[known].map(clean)):
        rows.setdefault(value, {}).setdefault(images[i], i)
    _refuse_twice(sample, ids)
    asked = sample.table[ids].map(clean)
    strange = [value for value in asked if value not in rows]
    if strange:
        raise InputError(
            f"{path}: ids that {where} lacks: received {few(map(repr, strange))}; allowed: the ids of {where}"
        )
    order = [next(iter(rows[value].values())) for value in asked]
    several = len(asked) < sum(len(rows[value]) for value in asked)
    lines = [
        f"test: {len(order):,} rows in the order of {path}, {ids} = {known} of {where}",
        found[1].sentence("image of test", found[0]),
    ]
    if (left := len(rows) - len(set(order))) > 0:
        lines.append(f"warning: {left:,} rows of {where} are not in {path}, so nothing predicts them")
    if several:
        lines.append(f"one answer a value of {known}: {sum(len(rows[value]) for value in asked):,} photos")
    answers = tuple(c for c in sample.named if c != ids)
    return TestRows(
        sample.table,
        [image for value in asked for image in rows[value]],
        ids,
        answers,
        table.frame.iloc[order],
        found[1].bare or several,
        path,
        tuple(lines),
        tuple(n for n, value in enumerate(asked) for _ in rows[value]) if several else None,
        known if several else None,
    )


def _same_values(table: Table, sample: Sample) -> tuple[str, str, float]:
    """The sample's column of ids, the test table's, and the share of the former found in the latter; "" for none."""
    best = ("", "", 0.0)
    distinct = {c: set(table.frame[c].map(clean)) for c in table.columns}
    for column in sample.named:
        asked = sample.table[column].map(clean)
        if asked.nunique() < max(2, len(asked) / 2) and len(asked) > 1:
            continue  # answers repeat, ids do not
        for other, values in distinct.items():
            share = float(asked.isin(values).mean())
            if share > best[2] or (share == best[2] and share > 0 and _alike(column, other) > _alike(*best[:2])):
                best = (column, other, share)
    return best if best[2] >= LEAST else ("", "", 0.0)


def _refuse_twice(sample: Sample, ids: str) -> None:
    """InputError for ids that a sample submission asks for in several rows."""
    asked = sample.table[ids].map(clean)
    if twice := asked[asked.duplicated()].unique().tolist():
        raise InputError(
            f"{sample.path.name}: ids there twice in {ids}: received {few(map(repr, twice))}; allowed: one row an id"
        )


def _refuse_elsewhere(located: Located, source: str) -> None:
    """InputError where the photos of some rows are in test folders, and those of others in folders of training."""
    roles = [located.photos.roles[row] for row in located.rows]
    images = located.images()
    wrong = [n for n, role in enumerate(roles) if role in ("train", "valid")]
    if wrong and "test" in roles:
        shown = few(f"{located.values[n]!r} ({images[n]})" for n in wrong)
        raise InputError(
            f"{source}: ids whose photo is in no test folder: received {shown}; allowed: a photo of a test folder for "
            "each, as the others have"
        )


def _alike(one: str, other: str) -> bool:
    return clean(one).casefold() == clean(other).casefold()


def _of_photos(photos: Photos, sample: Sample) -> TestRows:
    """The sample's rows, each with the photo that its id names."""
    path, best = sample.path.name, None
    for column in sample.named:
        values = sample.table[column]
        if len(values) > 1 and values.nunique() < max(2, len(values) / 2):
            continue
        located = locate_anyhow(photos, values.tolist(), "test", source=f"{path}: {column}")
        if best is None or located.share > best[1].share:
            best = column, located
    if best is None:
        raise InputError(f"{path}: no column of ids: received {', '.join(sample.named)}; allowed: ids that differ")
    refuse_missing_of_sample(best[1], best[0], path)
    _refuse_elsewhere(best[1], path)
    _refuse_twice(sample, best[0])
    answers = tuple(c for c in sample.named if c != best[0])
    images = best[1].images()
    lines = [f"test: {len(values):,} rows of {path}, in its order", best[1].sentence("image of test", best[0])]
    asked = set(images)
    roles = zip(photos.names, photos.roles, strict=True)
    if left := [name for name, role in roles if role == "test" and name not in asked]:
        lines.append(
            f"warning: {count(len(left), 'photo')} of test folders, such as {left[0]}, not in {path}, so nothing "
            "predicts them"
        )
    return TestRows(sample.table, images, best[0], answers, None, best[1].bare, path, tuple(lines))


def refuse_missing_of_sample(located: Located, column: str, path: str) -> None:
    """InputError for ids of a sample submission without a photo: there, nothing can be left out."""
    if located.missing:
        raise InputError(
            f"{path}: no image found for {len(located.missing):,} of {len(located.values):,} ids in {column}: received "
            f"{few(map(repr, located.missing))}; allowed: a test photo for each id"
        )
