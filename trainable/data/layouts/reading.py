"""From tables of text to the Manifest: columns are told apart, rows are checked, spellings are joined."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from trainable.commands import spoken
from trainable.data.flags import Flags, Taken
from trainable.data.form import Form, form_of, guessed_class
from trainable.data.headers import find, named, refuse_near
from trainable.data.layouts.class_folders import CLASS_FOLDERS
from trainable.data.layouts.finish import (
    checked_labels,
    dropped_rows,
    folds_given,
    further,
    group_hints,
    groups_of,
    other_folders,
    parts_said,
    sample_weights,
)
from trainable.data.layouts.guess_image import guess_image
from trainable.data.layouts.guess_label import Label, guess_label
from trainable.data.layouts.join import DERIVED, FOLDER, folders_of
from trainable.data.layouts.locate import Located, refuse_missing
from trainable.data.layouts.photos import Photos
from trainable.data.layouts.refusals import many_classes, refuse_numbers_asked, refuse_photos_asked, refuse_repeated
from trainable.data.layouts.sample import Sample
from trainable.data.layouts.several import OF_ROW, items_of, joined_items
from trainable.data.layouts.sources import Source, Table
from trainable.data.layouts.test_rows import TestRows, find_test
from trainable.data.manifest import Manifest, TestSet
from trainable.data.values import clean
from trainable.errors import InputError
from trainable.words import count, few


@dataclass(frozen=True)
class Reading:
    """A folder as it was read: the manifest, and what is needed to make the test set once the classes are known.

    by_folder: whether groups are folders that photos lie in, so that those of test photos may be too.
    """

    manifest: Manifest
    test: TestRows | None
    label: str
    group: str | None
    by_folder: bool

    def test_set(self, classes: tuple[str, ...]) -> TestSet | None:
        """What is to be predicted, in the form that is asked for; None where nothing is."""
        if self.test is None:
            return None
        test = self.test
        column = find(test.known.columns, self.group, test.source) if self.group and test.known is not None else None
        groups = None
        if column is not None and test.known is not None:
            groups = tuple(test.known[column].map(clean))
        elif self.by_folder:
            groups = folders_of(test.images, test.items)
        return TestSet(self.manifest.root, test.images, *self._form(classes), groups, test.items, test.known)

    def _form(self, classes: tuple[str, ...]) -> tuple[pd.DataFrame, Form]:
        test = self.test
        assert test is not None
        if test.answers:
            answers = _answers(self.manifest, test.answers, classes)
            return test.table, form_of(test.table, test.id, test.answers, classes, test.bare, test.source, answers)
        column = find(test.table.columns, self.label, test.source) or self.label
        table = test.table if column in test.table else test.table[[test.id]]
        table = table.assign(**{column: ""})
        return table, Form("label", test.id, tuple(table.columns), (column,), classes, bare=test.bare)


def read_source(root: Path, source: Source, sample: Sample | None, photos: Photos, flags: Flags) -> Reading:
    """Tell columns apart, find every photo, check and join values. InputError names what is wrong or ambiguous."""
    where = source.train.path.name
    derived = [c for c in DERIVED if c in source.beside]
    if not source.label:
        written = source.train.frame.drop(columns=derived)
        refuse_near(written, where, [n for n in ("label", "group", "fold") if getattr(flags, n) is None])
    group = _column(source.train, flags.group, "group", where)
    fold = _column(source.train, flags.fold, "fold", where)
    table, lines = dropped_rows(source.train, flags)
    test = find_test(photos, source.test, sample, flags, source.images)
    image, located = _image(photos, source, table, flags, test)
    table, located, left_out = _with_photos(table, located, image, flags)
    answers = test.answers if test is not None else ()
    asked = test.table[list(answers)] if test is not None else pd.DataFrame()
    label = guess_label(source, table.frame, image, asked, test.source if test else "", flags)
    if len(answers) == 1 and test is not None:
        refuse_numbers_asked(label.text, label.columns[0], asked[answers[0]], test.source)
        refuse_photos_asked(test.table[test.id], asked[answers[0]], test.source)
    text, said = label.text, [*label.lines]
    if label.product is None:
        text, said = checked_labels(text, "/".join(label.columns[:3]), table.frame[image], where)
    images = pd.Series(located.images(), index=table.frame.index)
    owners, of_groups = groups_of(table.frame, group, images)
    refuse_repeated(images, text, owners, where)
    kept = ~images.duplicated()
    item = find(table.columns, test.item, where) if test is not None and test.item is not None else None
    items = items_of(table.frame, item)
    used = {image, OF_ROW, *derived, *label.columns, *(c for c in (group, fold) if c)}
    of_items: list[str] = []
    repeats = (
        [] if kept.all() else [f"{int((~kept).sum()):,} rows name a photo again, with the same label: counted once"]
    )
    frame = pd.DataFrame(
        {"image": images, "group": owners, "extra": False, "bytes": located.photos.sizes[located.rows]}
    )
    table_frame, of_weights = sample_weights(table.frame, where)
    if items is not None and items[kept].duplicated().any():
        frame, of_items = joined_items(frame, items, text, group is not None, where)
    elif group is None:
        of_groups += group_hints(table.frame, used | {*source.images}, images, text, listed=table.path != root)
    own = [] if label.product is None else [label.product.values]
    frame = pd.concat([frame, *own, further(table_frame, used)], axis=1)
    given, of_folds = folds_given(table.frame, fold, owners, where)
    if given is not None:
        frame["fold"] = given
    found = [f"layout: {source.layout}, {where}", *source.lines, *lines, located.sentence("image", image)]
    said += parts_said(table.frame, used)
    said += [*other_folders(images, text), *many_classes(text.unique().tolist(), len(text))]
    left_out += _unnamed(located, source, image, test, label.columns == (FOLDER,) and flags.image is None)
    told = [*left_out, *repeats, label.sentence, *of_items, *of_groups, *of_folds, *of_weights, *said]
    lines = [*found, *told, *(test.lines if test else ("test: nothing to predict",))]
    rows, taken = frame[kept].reset_index(drop=True), Taken(flags, tuple(lines))
    if label.product is None:
        manifest = Manifest.of(root, source.layout, rows, text[kept], taken)
    else:
        manifest = Manifest.of_product(root, source.layout, rows, label.product.made_of, taken)
    by_folder = group is not None and ((group == FOLDER and FOLDER in derived) or source.layout == CLASS_FOLDERS)
    made = Reading(manifest, test, _answer(label, source), group, by_folder)
    return _with_form(made)


def _with_form(reading: Reading) -> Reading:
    """The reading with a line of what will be submitted, so that a form that does not fit is refused at once."""
    found = reading.test_set(reading.manifest.classes)
    if found is None:
        return reading
    said = [found.form.sentence(), *_strange_answers(reading, found)]
    return replace(reading, manifest=reading.manifest.saying(*said))


def _strange_answers(reading: Reading, found: TestSet) -> list[str]:
    """Warnings where a sample submission's answers are none of the labels, which may be codes or shares of these."""
    test, form, classes = reading.test, found.form, reading.manifest.classes
    if test is not None and form.kind == "score" and (said := guessed_class(form, test.source)):
        return [said]
    if test is None:
        return []
    if form.kind == "attributes":  # each column has values of its own
        known = dict(zip(form.columns, (tuple(dict.fromkeys(part)) for part in form.parts), strict=True))
    else:
        known = {column: classes for column in test.answers} if form.kind == "label" and len(test.answers) == 1 else {}
    lines = []
    for column, labels in known.items():
        answers = {value for value in test.table[column].map(clean) if value}
        if answers and not answers & set(labels):
            of = f" in {column}" if len(known) > 1 else ""
            lines.append(
                f"warning: answers of {test.source}{of} such as {few(map(repr, sorted(answers)))} are no labels: the "
                f"submission will have those of the training table, {few(map(repr, labels))}"
            )
    return lines


def _image(photos: Photos, source: Source, table: Table, flags: Flags, test: TestRows | None) -> tuple[str, Located]:
    prefer = flags.id or (test.id if test is not None else "")
    found = guess_image(photos, table, "train", flags, among=source.images, prefer=prefer)
    if found is None:
        named_columns = ", ".join(table.columns[:8])
        raise InputError(
            f"{table.path.name}: no image found: received columns {named_columns}, of which none names photos below "
            f"{photos.root}; allowed: file names or ids, or --image COLUMN"
        )
    return found


def _unnamed(located: Located, source: Source, image: str, test: TestRows | None, by_folder: bool) -> list[str]:
    """A warning where photos are in no row of the labelled table, dropped ones included, and in no test row.

    by_folder: whether the label is the folder, which such photos have too. InputError for them then.
    """
    photos, known = located.photos, set(located.images()) | set(test.images if test is not None else ())
    if source.train.path == photos.root:  # the table is of the photos, and says which it leaves out
        return []
    dropped = set(source.train.frame[image].map(clean)) - set(located.values)
    known |= {photos.names[i] for cell in dropped for i in photos.matching(cell).rows}
    left = [n for n, role in zip(photos.names, photos.roles, strict=True) if role != "test" and n not in known]
    if not left:
        return []
    where = source.train.path.name
    if by_folder and FOLDER in source.beside:
        raise InputError(
            f"{where}: the label is the folder that photos lie in, and {count(len(left), 'photo')}, such as {left[0]}, "
            f"in no row; allowed: a row for each, {where} taken away, or --image {image}, which leaves them out"
        )
    how = f"to have photos predicted: a folder called test, a test.csv, or {spoken('predict')} after a build"
    told = f"{count(len(left), 'photo')}, such as {left[0]}, in no row of {where}"
    return [f"warning: {told}: neither training nor predicted{f' ({how})' if test is None else ''}"]


def _with_photos(table: Table, located: Located, image: str, flags: Flags) -> tuple[Table, Located, list[str]]:
    """Rows whose photo is there; the others are refused, or left out on request and counted."""
    if not located.missing:
        return table, located, []
    if not flags.skip_missing:
        refuse_missing(located, image, table.path.name, table.frame.drop(columns=[image], errors="ignore"))
    kept = located.rows >= 0
    lines = [f"warning: training without {len(located.missing):,} rows whose photo is missing"]
    values = [value for value, there in zip(located.values, kept.tolist(), strict=True) if there]
    frame = table.frame[kept].reset_index(drop=True)
    rest = Located(located.photos, values, located.rows[kept], located.bare, located.folder)
    return Table(frame, table.path, table.folder), rest, lines


def _column(table: Table, flag: str | None, name: str, where: str) -> str | None:
    """The column of groups or folds: by its flag, else by its name; None where there is none."""
    if flag is not None:
        return named(table.columns, flag, f"--{name}", where)
    return find(table.columns, name, where)


def _answers(manifest: Manifest, asked: Sequence[str], classes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What each class is in each column asked for, where these are attributes; else empty."""
    if not asked or not {clean(c) for c in asked} <= set(manifest.attributes):
        return ()
    labels = [manifest.classes.index(name) for name in classes]
    values = manifest.made_of.decode(np.array(labels))
    return tuple(tuple(manifest.made_of[clean(c)].values[v] for v in values[clean(c)]) for c in asked)


def _answer(label: Label, source: Source) -> str:
    """What the column of answers is called where no sample says so."""
    return label.columns[0] if len(label.columns) == 1 and source.layout != CLASS_FOLDERS else "label"
