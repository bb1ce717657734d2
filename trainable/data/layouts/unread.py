"""Files that mean something in another layout, or under another name: a folder that has them is told so."""

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pandas as pd

from trainable.data.layouts.photos import Photos, role_of, stem_of
from trainable.data.layouts.sample import is_sample
from trainable.data.layouts.tables import SUFFIXES, hidden_tables, table_files
from trainable.data.text_tables import read_text_table
from trainable.data.values import clean
from trainable.words import count, few

EXTRA = "extra.csv"
TABLES = {".csv", ".tsv", ".txt", ".xlsx", ".parquet"}
MARKS = re.compile(r"[\s,;|]+")
LOOKED_AT = 50  # lines of a list
SHEETS = (".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".ods", ".json", ".jsonl")
PROGRAMS = (".xlsx", ".xls", ".ods")
PACKED = (".zip", ".gz", ".7z", ".bz2", ".xz", ".rar")
UNREAD_SAMPLES = (*PROGRAMS, ".parquet", ".json", ".jsonl", ".txt")
SHOWN = 30  # letters of a cell
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


def sheets_said(paths: Iterable[Path]) -> list[str]:
    """Of files that only a spreadsheet program reads."""
    sheets = [path.name for path in paths if path.suffix.lower() in PROGRAMS]
    return [f"{few(sheets)} not read: spreadsheets (save them as CSV)"] if sheets else []


def why_unread(root: Path, photos: Photos) -> list[str]:
    """Of each kind of file that may hold labels of a folder in which no layout was found, why it is none."""
    tables = tables_unread(root)
    sheets = {path: read_text_table(path) for path in tables if path.suffix.lower() in SUFFIXES}
    again = {path: _again(table, photos) for path, table in sheets.items()}
    shown = [f"{path.relative_to(root)} ({_first_row(table)})" for path, table in sheets.items() if not again[path]]
    lines = [f"{few(shown)}: no column (CSV, Parquet) names photos here"] if shown else []
    for path, columns in again.items():
        lines += [f"{path.name} names photos in {c}, each in several rows (--image {c} reads it)" for c in columns]
    lines += sheets_said(tables)
    if others := [path.name for path in tables if path.suffix.lower() in (".json", ".jsonl")]:
        lines.append(f"{few(others)}: neither COCO-style JSON of photos here nor metadata.jsonl with file_name")
    if lists := [path.name for path in lists_unread(root, photos)]:
        lines.append(f"{few(lists)} names photos, and is read as a CSV with a header alone")
    if windows := [name for name in photos.names if "\\" in name]:
        lines.append(
            f"{count(len(windows), 'photo')}, such as {windows[0]!r}, have a backslash in their own name: a zip of "
            "Windows, unpacked without making folders (unpack it by another program, 7z say)"
        )
    if asked := [path.name for path in tables_of_test(root)]:
        lines.append(f"{few(asked)} is taken for rows to predict, by its name")
    if hidden := [path.name for path in hidden_tables(root)]:
        lines.append(f"{few(hidden)} is not read, by its name: answers (rename it where it holds labels)")
    return lines


def _again(table: pd.DataFrame, photos: Photos) -> list[str]:
    """Columns of file names that are photos here, over and over, as of a row an annotator: these are not guessed."""
    found = []
    for column in table:
        distinct = table[column].map(clean).unique()
        names = distinct[:LOOKED_AT].tolist() if 2 * len(distinct) < len(table) else []
        if len(names) > 1 and all(stem_of(name) != name and photos.matching(name).rows for name in names):
            found.append(str(column))
    return found


def _first_row(table: pd.DataFrame) -> str:
    """What a table was read as: its first columns, each with its first value."""
    return ", ".join(f"{column} {table[column].iloc[0][:SHOWN]!r}" for column in list(table)[:3])


def tables_of_test(root: Path) -> list[Path]:
    """Tables of a folder whose rows are to be predicted, by their names."""
    return [path for path in table_files(root, SHEETS) if role_of(path.stem) == "test"]


def unread_said(root: Path, layout: str) -> list[str]:
    """A warning for each file below `root` that people mean to be read and that this layout does not read."""
    lines = []
    for entry in sorted(root.iterdir()):
        plain = Path(entry.stem) if entry.suffix.casefold() in PACKED else entry
        packed = plain is not entry and plain.suffix.casefold() in TABLES and not (root / plain).exists()
        if packed or (is_sample(plain) and plain.suffix.casefold() in UNREAD_SAMPLES):
            lines.append(
                f"warning: {entry.name} is not read: {'packed' if packed else 'no CSV'} (as {plain.stem}.csv it is)"
            )
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
