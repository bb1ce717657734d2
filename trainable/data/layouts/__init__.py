"""Which layout a data folder has, by what lies in it; all end in the same Manifest and test set.

The competition and `manifest.csv` are known by a file's name. Everything else is told by evidence, of which the first
that is there counts: Hugging Face's metadata, COCO JSON, a table that names photos, a folder per class, the class in
the file's name. What is ambiguous is refused with both readings and the flag for each.
"""

from dataclasses import replace
from pathlib import Path

from trainable.data.flags import Flags
from trainable.data.layouts import competition
from trainable.data.layouts import manifest_csv as generic
from trainable.data.layouts.beside import with_file
from trainable.data.layouts.class_folders import find_class_folders, find_first_parts, refuse_loose
from trainable.data.layouts.coco import find_coco
from trainable.data.layouts.copies import copies_said, merge_duplicates
from trainable.data.layouts.finish import test_groups_said
from trainable.data.layouts.image_folder import find_image_folder
from trainable.data.layouts.photos import Photos, passed_over, refuse_other_files
from trainable.data.layouts.reading import Reading, read_source
from trainable.data.layouts.sample import read_sample
from trainable.data.layouts.sources import Source
from trainable.data.layouts.tables import find_tables
from trainable.data.layouts.unread import (
    PROGRAMS,
    lists_unread,
    sheets_said,
    tables_of_test,
    tables_unread,
    unread_said,
    why_unread,
)
from trainable.data.manifest import Manifest, TestSet
from trainable.errors import InputError
from trainable.images.kinds import NOWHERE
from trainable.words import few

LAYOUTS = (
    f"{competition.FORM}, "
    "a manifest.csv with path,label[,group] (optional test.csv with path), "
    "a table (CSV, Parquet) whose ids or file names are photos beside it, COCO-style JSON, an image folder with "
    "metadata.csv or .jsonl, a folder per class, or names that begin with their class (cat.0.jpg): docs/your-data.md"
)
NO_FLAGS = Flags()
# Of a folder without photos that holds these, more can be said than that it is no layout.
DATA = {".csv", ".tsv", ".json", ".jsonl", ".parquet", ".npy", ".npz", ".dcm", ".bson", ".tfrec", ".zip", ".7z", ".gz"}


def read_manifest(root: Path, flags: Flags = NO_FLAGS) -> Manifest:
    """Recognise the layout by what lies in the folder, read it and check that every image is there."""
    manifest = _read_manifest(_existing(root), flags)
    if unread := unread_said(manifest.root, manifest.layout):
        taken = replace(manifest.taken, lines=(*manifest.taken.lines, *unread))
        manifest = replace(manifest, taken=taken)
    return merge_duplicates(manifest) if flags.merge_duplicates else manifest


def plan_lines(manifest: Manifest) -> list[str]:
    """What every plan says of copies among the photos and in the test set, which is read for that if it can be."""
    try:
        test, lines = read_test(manifest.root, manifest.classes, manifest.taken.flags), []
    except InputError as error:
        test, lines = None, [f"warning: the test set cannot be read yet: {error}"]
    return [*lines, *test_groups_said(test), *copies_said(manifest, test)]


def _read_manifest(root: Path, flags: Flags) -> Manifest:
    if competition.is_there(root):
        return competition.read_train(root, flags)
    flags = with_file(root, flags)
    if (root / "manifest.csv").is_file():
        return generic.read_train(root, flags)
    return _read(root, flags).manifest


def read_test(root: Path, classes: tuple[str, ...], flags: Flags = NO_FLAGS) -> TestSet | None:
    """The images to predict, in the order and form that is asked for; None where the folder has none.

    classes: the names that are told apart, as the run has them.
    """
    root = _existing(root)
    if competition.is_there(root):
        return competition.read_test(root)
    flags = with_file(root, flags)
    if (root / "manifest.csv").is_file():
        return generic.read_test(root, classes, flags)
    return _read(root, flags).test_set(classes)


def _read(root: Path, flags: Flags) -> Reading:
    """A folder without a known file's name, by evidence."""
    if not any(root.iterdir()):
        raise InputError(f"data folder {root}: no layout found; received nothing; allowed: {LAYOUTS}")
    photos, sample = Photos.below(root), read_sample(root)
    if photos.others.keys() & DATA:
        refuse_other_files(photos)
    source = photos.names and (
        find_image_folder(root, photos, sample, flags)
        or find_coco(root, photos, sample, flags)
        or find_tables(root, photos, sample, flags)
        or _beside_tables(root, find_class_folders(root, photos, sample, flags))
        or _beside_tables(root, find_first_parts(root, photos, flags, _may_hold_labels(root, photos)))
    )
    if not source:
        refuse_loose(root, photos)
        found = ", ".join(sorted(p.name for p in root.iterdir())[:8])
        said = "".join(f", where {line}" for line in why_unread(root, photos))
        raise InputError(f"data folder {root}: no layout found; received {found}{said}; allowed: {LAYOUTS}")
    if lost := photos.others[NOWHERE]:
        source = replace(source, lines=(*source.lines, f"warning: {lost:,} {NOWHERE}: were these photos fetched?"))
    if lists := [path.name for path in lists_unread(root, photos)]:
        said = f"warning: {few(lists)} not read, though photos are named there: as a CSV with a header alone"
        source = replace(source, lines=(*source.lines, said))
    if passed := passed_over(photos):
        source = replace(source, lines=(*source.lines, passed))
    return read_source(root, source, sample, photos, flags)


def _may_hold_labels(root: Path, photos: Photos) -> list[str]:
    return [path.name for path in (*tables_unread(root), *lists_unread(root, photos))]


def _beside_tables(root: Path, source: Source | None) -> Source | None:
    """What folders say, and which tables say nothing of these photos."""
    if source is None:
        return source
    unread = tables_unread(root)
    tables = [path.name for path in unread if path.suffix.lower() not in PROGRAMS]
    lines = [f"warning: {line}" for line in sheets_said(unread)]
    lines += [f"warning: {few(tables)}: no photo to train on by name, so left out"] if tables else []
    if asked := [path.name for path in tables_of_test(root)]:
        lines.append(
            f"warning: {few(asked)} not read where folders or names are the classes: test photos are those of a sample "
            "submission, else of folders called test"
        )
    return replace(source, lines=(*source.lines, *lines))


def _existing(root: Path) -> Path:
    root = root.expanduser().absolute()
    if not root.is_dir():
        raise InputError(f"no data folder: received {root}; allowed: {LAYOUTS}")
    return root
