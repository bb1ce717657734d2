"""A table (CSV of any delimiter and encoding, or Parquet) with a column of ids or file names, and photos beside it.

    train.csv  test.csv  sample_submission.csv  train/ID.jpg  test/ID.jpg

Which table has the labelled rows, which column is what and where the photos lie is told by what is found.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from trainable.data.flags import COLUMNS, Flags
from trainable.data.headers import find
from trainable.data.layouts.guess_image import guess_image
from trainable.data.layouts.join import DERIVED, joined, with_beginning, with_folder
from trainable.data.layouts.one_hot import one_hot_columns
from trainable.data.layouts.parts import told_apart
from trainable.data.layouts.photos import HIDDEN, Photos, role_of
from trainable.data.layouts.placed import with_folders
from trainable.data.layouts.sample import Sample, is_sample
from trainable.data.layouts.several import OF_ID, refuse_ids_as_classes, spread, spread_sample
from trainable.data.layouts.sources import Source, Table
from trainable.data.layouts.strays import cells_of, of_test_alone, refuse_few, refuse_list_of_classes
from trainable.data.text_tables import read_with_notes
from trainable.errors import InputError
from trainable.images.kinds import LITTER

CORRECTIONS = ("path_or_id", "field", "value")
SUFFIXES = (".csv", ".tsv", ".parquet")


def table_files(root: Path, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """Tables in the data folder itself and in those below it; answers and sample submissions are passed over.

    A folder that a link shows again has no further ones.
    """
    places = [root, *_folders(root)]
    places += [p for place in places[1:] for p in _folders(place) if len(places) < 100]
    places = list({place.resolve(): place for place in reversed(places)}.values())[::-1]
    found = [p for place in places for p in sorted(place.glob("*")) if p.suffix.lower() in suffixes and p.is_file()]
    hidden = (any(HIDDEN.search(part) for part in p.relative_to(root).parts) for p in found)
    return [
        p for p, out in zip(found, hidden, strict=True) if not out and not is_sample(p) and not p.name.startswith(".")
    ]


def _folders(place: Path) -> list[Path]:
    return sorted(p for p in place.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name not in LITTER)


def find_tables(root: Path, photos: Photos, sample: Sample | None, flags: Flags) -> Source | None:
    """The labelled table and the test table; None where no table names photos. InputError where two tables do."""
    tables = []
    for path in table_files(root):
        frame, notes = read_with_notes(path)
        if all(find(frame.columns, name, path) for name in CORRECTIONS):
            continue  # read by whoever applies them
        table = Table(frame, path, _folder(root, path), tuple(notes))
        test = "test" in (role_of(path.stem), role_of(Path(table.folder).name))
        table = table if test else with_folders(photos, table)
        tables.append(spread(photos, table, flags, sample, labelled=not test))
    found = choose(tables, photos, sample, flags, "table")
    if found is None:
        refuse_ids_as_classes(photos, tables)
        return None
    found = replace(found, hidden=tuple(path.name for path in hidden_tables(root)))
    if found.test is not None or OF_ID not in found.train.frame:
        return found
    return replace(found, test=spread_sample(photos, sample, flags))


def hidden_tables(root: Path) -> list[Path]:
    """Tables at the top of the data folder that are not read, since by their names they hold answers."""
    return sorted(p for p in root.iterdir() if p.suffix.lower() in SUFFIXES and HIDDEN.search(p.name))


def choose(
    tables: list[Table], photos: Photos, sample: Sample | None, flags: Flags, layout: str, images: tuple[str, ...] = ()
) -> Source | None:
    """The labelled table among several, those of a validation part added to it, and the test table.

    images: the columns that may name photos, empty for all.
    """
    role = {t.path: role_of(t.path.stem) or role_of(Path(t.folder).name) for t in tables}
    test = [t for t in tables if role[t.path] == "test"]
    rest = [t for t in tables if role[t.path] != "test"]
    if flags.image is not None and not (photos.root / flags.image).is_dir():
        rest = [t for t in rest if find(t.columns, flags.image, t.path) is not None] or rest
    found = {t.path: guess_image(photos, t, "train", flags, among=images) for t in rest}
    naming = [t for t in rest if found[t.path] is not None]
    lines = [f"{t.path.name} names no photo here, and is left out" for t in rest if t not in naming]
    asked = set() if sample is None or flags.image is not None else {*cells_of(sample.table[sample.named[:1]])}
    answers = [t for t in naming if (own := found[t.path]) is not None and of_test_alone(photos, own[1], asked)]
    naming = [t for t in naming if t not in answers]
    if not naming:
        return None
    lines += [f"warning: {t.path.name} names test photos alone, and is left out" for t in answers]
    valid = [t for t in naming if role[t.path] == "valid"]
    whole = _one_of([t for t in naming if t not in valid] or valid, sample, flags, role)
    parts = [t for t in valid if t is not whole and {*t.columns} == {*whole.columns}]
    named = [(t, own) for t in naming if t not in parts and (own := found[t.path]) is not None]
    ((_, own),) = [pair for pair in named if pair[0] is whole]
    if flags.image is None and not images:
        refuse_list_of_classes(photos, whole, own[0])
        told = sample is not None and any(find(whole.columns, c, whole.path) for c in sample.named[1:])
        if flags.label is None and not told:
            rows = np.concatenate([one[1].rows for t in (whole, *parts) if (one := found[t.path]) is not None])
            refuse_few(photos, whole, own[0], np.unique(rows[rows >= 0]), asked, test)
    train, beside, said = joined((whole, own), [pair for pair in named if pair[0] is not whole])
    lines += said
    if not parts:
        placed = with_beginning(with_folder(train, own[1]), own[1])
        beside = (*beside, *(c for c in DERIVED if c in placed.frame and c not in train.frame))
        train = placed
    lines += [f"{len(t.frame):,} rows of {t.path.name} train and are scored too: folds are made of all" for t in parts]
    lines += [note for t in (train, *parts, *test) for note in t.notes]
    if parts:
        for n, part in enumerate(parts):
            if (of_part := found[part.path]) is not None:
                train, parts[n] = told_apart((train, own), (part, of_part))
        frame = pd.concat([train.frame, *(t.frame for t in parts)], ignore_index=True)
        train = Table(frame, train.path, train.folder)
    if len(test) > 1:
        test = [t for t in test if guess_image(photos, t, "test", flags, among=images) is not None]
    if len(test) > 1:
        names = " and ".join(t.path.name for t in test[:3])
        raise InputError(f"data folder {photos.root}: two readings: test rows in {names}; allowed: one test table")
    return Source(layout, train, test[0] if test else None, images=images, lines=tuple(lines), beside=beside)


def _one_of(tables: list[Table], sample: Sample | None, flags: Flags, role: dict[Path, str]) -> Table:
    """The one table with labels: it has the columns that flags and the sample name, or is called train."""
    said = [value for name in COLUMNS if (value := getattr(flags, name)) is not None and name != "image"]
    labels = [] if flags.label is None else [name.strip() for name in flags.label.split(",")]
    asked = sample.named[1:] if sample is not None else []
    for narrower in (
        lambda t: all(find(t.columns, name.rpartition(".")[2], t.path) for name in labels),
        lambda t: any(find(t.columns, name, t.path) for name in asked),
        lambda t: role[t.path] == "train",
        lambda t: find(t.columns, "label", t.path) is not None,
        lambda t: not labels and one_hot_columns(t.frame, t.columns) != [],
        lambda t: all(find(t.columns, name.rpartition(".")[2], t.path) for name in said),
    ):
        tables = [t for t in tables if narrower(t)] or tables
        if len(tables) == 1:
            return tables[0]
    same = len({t.path.name for t in tables}) < len(tables)

    def place(table: Table) -> str:
        return f"{table.folder}/{table.path.name}".strip("/") if same else table.path.name

    own = [_labels_first(t, [other for other in tables if other is not t]) for t in tables]
    readings = " or ".join(
        f"{place(t)} ({f'--label {columns[0]}' if columns else 'write both into one, or take the other away'})"
        for t, columns in zip(tables[:3], own, strict=False)
    )
    raise InputError(f"two readings: the labelled rows are in {readings}; allowed: one of them, by its flag")


def _labels_first(table: Table, others: list[Table]) -> list[str]:
    """The columns that no other table has, first those whose values repeat."""
    own = [c for c in table.columns if all(c not in other.columns for other in others)]
    repeats = [c for c in own if 2 * table.frame[c].nunique() <= len(table.frame)]
    return [*repeats, *(c for c in own if c not in repeats)]


def _folder(root: Path, path: Path) -> str:
    folder = path.parent.relative_to(root).as_posix()
    return "" if folder == "." else folder
