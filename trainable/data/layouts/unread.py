"""Files that mean something in another layout, or under another name: a folder that has them is told so."""

import re
from itertools import islice
from pathlib import Path

from trainable.data.layouts.photos import Photos, role_of
from trainable.data.layouts.sample import is_sample
from trainable.data.layouts.tables import table_files
from trainable.data.values import clean

EXTRA = "extra.csv"
TABLES = {".csv", ".tsv", ".txt", ".xlsx", ".parquet"}
MARKS = re.compile(r"[\s,;|]+")
LOOKED_AT = 50  # lines of a list
SHEETS = (".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".ods", ".json", ".jsonl")
READ_EXTRA = ("competition", "generic")


def tables_unread(root: Path) -> list[Path]:
    """Tables of a folder that no table was read of, less those of test rows: they may hold the labels."""
    return [path for path in table_files(root, SHEETS) if role_of(path.stem) != "test"]


def lists_unread(root: Path, photos: Photos) -> list[Path]:
    """Text files whose lines name photos and say more of them (`a_1.jpg 3`): they may hold the labels too."""
    found = []
    for path in table_files(root, (".txt",)):
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = [MARKS.split(line.strip()) for line in islice(file, LOOKED_AT)]
        lines = [words for words in lines if words != [""]]
        named = [words for words in lines if len(words) > 1 and any(photos.matching(w).rows for w in words[:2] if w)]
        if len(named) > len(lines) / 2:
            found.append(path)
    return found


def tables_of_test(root: Path) -> list[Path]:
    """Tables of a folder whose rows are to be predicted, by their names."""
    return [path for path in table_files(root, SHEETS) if role_of(path.stem) == "test"]


def unread_said(root: Path, layout: str) -> list[str]:
    """A warning for each file below `root` that people mean to be read and that this layout does not read."""
    lines = []
    for entry in sorted(root.iterdir()):
        if entry.suffix.casefold() not in TABLES:
            continue
        if clean(entry.stem).casefold() == "extra" and not (
            layout in READ_EXTRA and entry.name == EXTRA and entry.is_file()
        ):
            allowed = (
                f"a file {EXTRA}" if layout in READ_EXTRA else "manifest.csv or the competition's train/ beside it"
            )
            lines.append(f"warning: {entry.name} is not read: rows that only train need {allowed}")
        if layout == "generic" and is_sample(entry):
            predicted = "predictions are of test.csv, as path,prediction"
            lines.append(f"warning: {entry.name} is not read beside manifest.csv: {predicted}")
    return lines
