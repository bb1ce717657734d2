"""Layout 2: any folder with a manifest.csv (path, label, optionally group, fold and any other columns).

`--id COLUMN` beside `path` says what a row is a photo of: the photos of one value are answered together.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from trainable.data.attributes import PLAIN, Attributes
from trainable.data.flags import Flags, Taken
from trainable.data.headers import find, named, refuse_near
from trainable.data.layouts.copies import join_copies
from trainable.data.layouts.finish import (
    checked_labels,
    dropped_rows,
    extra_groups,
    folds_given,
    further,
    group_hints,
    groups_of,
    parts_said,
    sample_weights,
)
from trainable.data.layouts.guess_label import Label
from trainable.data.layouts.product import is_product, label_columns, product_of
from trainable.data.layouts.several import joined_items
from trainable.data.layouts.sources import Table
from trainable.data.layouts.written import find_written
from trainable.data.manifest import ITEM, OWN, Manifest, TestSet
from trainable.data.text_tables import read_text_table, read_with_notes
from trainable.data.values import clean, joined, refuse_line_breaks
from trainable.errors import InputError
from trainable.words import few


def read_train(root: Path, flags: Flags) -> Manifest:
    """manifest.csv, and extra.csv (the same columns) when it is there. Without `group` every image is its own."""
    source = root / "manifest.csv"
    frame, text, lines, made_of = _rows(root, source, flags)
    if (root / "extra.csv").is_file():
        more, labels, said, _ = _rows(root, root / "extra.csv", replace(flags, drop=()), known=made_of)
        if foreign := sorted(set(labels) - set(text)):
            raise InputError(f"{root / 'extra.csv'}: received label {foreign[0]!r}; allowed: labels of {source.name}")
        more = _with_their_things(more, frame, flags, root / "extra.csv")
        lines += [f"extra.csv: {len(more):,} rows that only train", *said, *extra_groups(more, frame["group"])]
        frame = _below(frame, more)
        text = pd.concat([text, labels], ignore_index=True)
    # One photo under two spellings would be trained on and scored, as surely as under one.
    if twice := frame["image"][frame["image"].duplicated()].unique().tolist():
        only = frame["image"][~frame["extra"]]
        where = source if only.duplicated().any() else root / "extra.csv"
        raise InputError(f"{where}: {few(twice)} occurs twice; allowed: one row an image, here or in {source.name}")
    frame, copies = join_copies(frame.assign(label=text), root, flags.merge_duplicates)
    text = frame.pop("label")
    frame, weights = sample_weights(frame, source)
    taken = Taken(flags, (*lines, *weights, *copies))
    if made_of:
        return Manifest.of_product(root, "generic", frame, made_of, taken)
    return Manifest.of(root, "generic", frame, text, taken)


def read_test(root: Path, classes: tuple[str, ...], flags: Flags) -> TestSet | None:
    """test.csv in its own order, None where there is none; the submission is path,prediction."""
    source = root / "test.csv"
    if not source.is_file():
        return None
    table = read_text_table(source)
    images = find_written(root, table[_path(table, flags, source)].tolist(), source).images
    column = find(table.columns, flags.group or "group", source)
    groups = None if column is None else tuple(table[column].map(clean))
    item = find(table.columns, flags.id, source) if flags.id and not _names_paths(table, flags, source) else None
    if item is None:
        return replace(TestSet.of_photos(root, images, classes, "path"), groups=groups, known=table)
    # The photos of each value in turn, the values as they first occur.
    number, values = pd.factorize(_alone(table[item], pd.Series(images, dtype=str)))
    order = np.argsort(number, kind="stable")
    made = TestSet.of_photos(root, values.tolist(), classes, item)
    first = order[np.searchsorted(number[order], np.arange(len(values)))]
    return replace(
        made,
        images=[images[i] for i in order],
        groups=None if groups is None else tuple(groups[i] for i in first),
        items=tuple(number[order].tolist()),
        known=table.iloc[first].reset_index(drop=True),
    )


def _rows(
    root: Path, source: Path, flags: Flags, *, known: Attributes | None = None
) -> tuple[pd.DataFrame, pd.Series, list[str], Attributes]:
    """The manifest's columns but the label's number, the labels, what to say, and what classes are made of.

    known: of extra rows, what the classes of the others are made of.
    """
    extra = known is not None
    whole, notes = read_with_notes(source, may_be_empty=True)
    path = _path(whole, flags, source, also="label")
    if whole.empty:
        raise InputError(f"{source}: received no rows; allowed: at least one")
    table, lines = dropped_rows(Table(whole, source, ""), flags)
    group, fold = (_named(table, getattr(flags, name), name) for name in ("group", "fold"))
    refuse_line_breaks(table.frame[path], source, "path")
    found = find_written(root, table.frame[path].tolist(), source, skip_missing=flags.skip_missing)
    there = found.sizes >= 0
    skipped = _left_out(root, source, there)
    frame = table.frame[there].reset_index(drop=True)
    images = pd.Series(found.images, dtype=str)[there].reset_index(drop=True)
    label = _label(table, frame, path, flags, known)
    owners, of_groups = groups_of(frame, group, images, extra=extra)
    made = pd.DataFrame({"image": images, "group": owners, "extra": extra, "bytes": found.sizes[there]})
    if flags.id is not None and not extra and not _names_paths(frame, flags, source):
        item = named(table.columns, flags.id, "--id", source.name)
        made, of_items = joined_items(made, _alone(frame[item], images), label.text, group is not None, source.name)
        owners, of_groups = made["group"], [*of_items, *(of_groups if group is not None else [])]
    own = [] if label.product is None else [label.product.values]
    used = {path, *label.columns, *(c for c in (group, fold) if c)}
    made = pd.concat([made, *own, further(frame, used)], axis=1)
    given, of_folds = folds_given(frame, None if extra else fold, owners, source)
    if given is not None:
        made["fold"] = given
    first, said = [], []
    if not extra:
        first = [f"layout: manifest.csv, {len(made):,} images, {label.sentence}"]
        said = [*label.lines, *parts_said(frame, used)]
        if group is None and flags.id is None:
            said += group_hints(frame, used, images, label.text)
    made_of = PLAIN if label.product is None else label.product.made_of
    lines = [*notes, *lines, *found.lines, *skipped, *of_groups, *of_folds]
    return made, label.text, [*first, *lines, *said], made_of


def _label(table: Table, frame: pd.DataFrame, path: str, flags: Flags, known: Attributes | None) -> Label:
    """The label of the rows of `frame`; those of extra rows are checked against the others' by whoever asks."""
    source = table.path
    if flags.label is not None and is_product(asked := label_columns(table.columns, flags, source.name), flags):
        found = product_of(frame, asked, path, source.name, flags, known)
        return Label(found.text, found.columns, found.lines[0], found, found.lines[1:])
    column = asked[0] if flags.label is not None else _named(table, None, "label")
    assert column is not None
    if known is None:
        text, said = checked_labels(frame[column], column, frame[path], source)
        return Label(text, (column,), f"label = {column}", lines=tuple(said))
    text, _ = joined(frame[column], "label")
    if (text == "").any():
        raise InputError(f"{source}: no label for {frame[path][text == ''].iloc[0]!r}; allowed: an int or a name")
    return Label(text, (column,), f"label = {column}")


def _with_their_things(more: pd.DataFrame, frame: pd.DataFrame, flags: Flags, source: Path) -> pd.DataFrame:
    """Extra rows, those of a thing that is scored in its group; InputError where they name another scored group."""
    things = [_things(rows, flags.id, source) for rows in (more, frame)] if flags.id and ITEM in frame else []
    if not things or things[0] is None or things[1] is None:
        return more
    group = dict(zip(things[1], frame["group"], strict=True))
    group.pop("", None)
    theirs = things[0].map(group)
    apart = theirs.notna() & (theirs != more["group"]) & more["group"].isin(set(frame["group"]))
    if apart.any():
        raise InputError(
            f"{source}: photos of one {flags.id} in two groups: received {few(more['image'][apart])}; allowed: the "
            "group that its other photos have"
        )
    return more.assign(group=theirs.fillna(more["group"]))


def _things(rows: pd.DataFrame, column: str, source: Path) -> pd.Series | None:
    """What the rows of a manifest say they are photos of: a further column, which may be called like one of its own."""
    found = find(rows.columns, column, source) if column not in OWN else f"source.{column}"
    return rows[found].map(clean) if found in rows else None


def _below(frame: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Extra rows below the others; the columns that either lacks are empty there, and no fold is given them."""
    both = pd.concat([frame, more], ignore_index=True)
    if "fold" in both:
        both["fold"] = both["fold"].fillna(-1).astype(np.int64)
    if ITEM in both:  # an extra row is a thing of its own
        own = frame[ITEM].max() + 1 + np.arange(len(more))
        both[ITEM] = np.concatenate([frame[ITEM], own]).astype(np.int64)
    return both.fillna({column: "" for column in both if both[column].isna().any()})


def _path(table: pd.DataFrame, flags: Flags, source: Path, *, also: str = "") -> str:
    """The column of paths; InputError where it, or the label, is missing."""
    columns = [str(c) for c in table.columns]
    if flags.image is not None and "," in flags.image and find(columns, flags.image, source) is None:
        raise InputError(
            f"--image: received {flags.image!r}; allowed: one column of {source.name}, a row a photo, and --id COLUMN "
            "for what several rows are photos of"
        )
    if flags.image is not None or _names_paths(table, flags, source):
        return named(columns, str(flags.image or flags.id), "--image", source.name)
    wanted = ["path", *([also] if also and flags.label is None else [])]
    refuse_near(table, source, wanted)
    missing = [name for name in wanted if find(columns, name, source) is None]
    if missing:
        received = ", ".join(columns)[:200]
        raise InputError(
            f"{source}: missing column {', '.join(missing)}; received {received!r}; allowed: path, label, group"
        )
    path = find(columns, "path", source)
    assert path is not None
    return path


def _names_paths(table: pd.DataFrame, flags: Flags, source: Path) -> bool:
    """Whether `--id` names the column of paths, which nothing else may do."""
    if flags.id is None:
        return False
    path = find(table.columns, flags.image or "path", source)
    return path is None or find(table.columns, flags.id, source) == path


def _alone(ids: pd.Series, images: pd.Series) -> pd.Series:
    """What each row is a photo of; a row that names nothing is a thing of its own."""
    ids = ids.map(clean).reset_index(drop=True)
    return ids.where(ids != "", images)


def _named(table: Table, flag: str | None, name: str) -> str | None:
    """A column by its flag, else by its name; a header nearly of that name is refused."""
    if flag is not None:
        return named(table.columns, flag, f"--{name}", table.path.name)
    refuse_near(table.frame, table.path, [name])
    return find(table.columns, name, table.path)


def _left_out(root: Path, source: Path, there: np.ndarray) -> list[str]:
    """What to say of rows whose file is missing, which is allowed here; InputError where that is all of them."""
    if there.all():
        return []
    if not there.any():
        raise InputError(f"{source}: received no row whose file exists below {root}; allowed: at least one")
    return [f"warning: training without {int((~there).sum()):,} rows whose photo is missing"]
