"""Tables as text, every cell a string: CSV of any delimiter and encoding, Parquet, JSON lines."""

import csv
import io
import json
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from trainable.data.encodings import decoded
from trainable.data.headers import find, is_near, refuse_twice
from trainable.data.values import clean
from trainable.errors import InputError

DELIMITERS = (",", "\t", ";", "|")
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".jsonl")
LOOKED_AT = 50  # lines from which the delimiter is told
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")

TOO_WIDE = re.compile(r"Expected ([0-9]+) fields in line ([0-9]+), saw ([0-9]+)")  # as pandas says it


def read_text_table(path: Path, *, may_be_empty: bool = False) -> pd.DataFrame:
    """Columns of str in the file's order; the header keeps its names, blanks around them cut.

    An empty cell is "", and a class may be called NA. Rows and nameless columns without any value, which spreadsheets
    leave behind, are not there. InputError where the file is no table of at least one row.
    """
    return read_with_notes(path, may_be_empty=may_be_empty)[0]


def read_with_notes(path: Path, *, may_be_empty: bool = False) -> tuple[pd.DataFrame, list[str]]:
    """The same, and in sentences what is unusual about the file."""
    notes: list[str] = []
    try:
        if path.suffix.lower() == ".parquet":
            table = _parquet(path)
        elif path.suffix.lower() == ".jsonl":
            table = _json_lines(path)
        else:
            table, notes = _delimited(path)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, csv.Error, pa.ArrowException, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if wide := TOO_WIDE.search(reason):
            reason = f"line {wide[2]} has {wide[3]} cells, the first {wide[1]}"
        raise InputError(f"{path} is no readable table: {reason}; allowed: a header, then a line a row") from None
    if table.empty and not may_be_empty:
        raise InputError(f"{path}: received no rows; allowed: at least one")
    return table, [f"{path.name}: {note}" for note in notes]


def read_table(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    """A table with these columns, called so whatever their case and blanks; InputError where one is missing."""
    if not path.is_file():
        received = f"{path}, a folder" if path.is_dir() else f"no {path}"
        columns = f" with columns {', '.join(required)}" if required else ""
        raise InputError(f"missing table: received {received}; allowed: a CSV{columns}")
    table = read_text_table(path)
    return with_columns(table, required, path)


def with_columns(table: pd.DataFrame, required: tuple[str, ...], path: Path) -> pd.DataFrame:
    """The table with known columns called as they are known; InputError where one is missing."""
    found = {name: find(table.columns, name, path) for name in required}
    if missing := [name for name, column in found.items() if column is None]:
        received = ", ".join(map(str, table))[:200]
        raise InputError(
            f"{path}: missing column {', '.join(missing)}; received {received!r}; allowed: {', '.join(required)}"
        )
    return table.rename(columns={column: name for name, column in found.items()})


def without_index(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that have no name of their own: the row numbers that pandas writes."""
    return table.drop(columns=[name for name in table.columns if str(name) == "" or str(name).startswith("Unnamed: ")])


def _delimited(path: Path) -> tuple[pd.DataFrame, list[str]]:
    text, _, notes = decoded(path)
    if "\n" not in text:  # Excel's of old Macintosh
        text = text.replace("\r", "\n")
    if said := SEPARATOR_LINE.match(text):  # Excel's own
        text = text[said.end() :]
    mark = said.group(1) if said else delimiter(text)
    notes += [] if mark in (",", "\t") else [f"columns are divided by {mark!r}"]
    header = [clean(name.removeprefix("\ufeff")) for name in next(csv.reader(io.StringIO(text), delimiter=mark), [])]
    if not any(header):
        raise InputError(f"{path} is no readable table: no header; allowed: a header, then a line a row")
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=mark,
            dtype=str,
            keep_default_na=False,
            header=None,
            skiprows=_lines_of_header(text, mark),
        )
    except pd.errors.EmptyDataError:
        table = pd.DataFrame({place: pd.Series(dtype=str) for place in range(len(header))})
    table = table.fillna("")
    while table.shape[1] > len(header) and (table.iloc[:, -1] == "").all():
        table = table.iloc[:, :-1]
    while table.shape[1] < len(header):
        table[table.shape[1]] = ""
    if table.shape[1] != len(header):
        raise InputError(
            f"{path}: received rows of {table.shape[1]} cells below {len(header)} headers; allowed: as many"
        )
    named = [place for place, name in enumerate(header) if name or (table.iloc[:, place] != "").any()]
    refuse_twice([header[place] for place in named], path)
    table = table.iloc[:, named]
    table.columns = pd.Index([header[place] for place in named])
    _refuse_swallowed(table, text, mark, path)
    void, again = (table == "").all(axis=1), (table == [str(c) for c in table.columns]).all(axis=1)
    if void.any():
        notes.append(f"{int(void.sum()):,} rows without any value are passed over")
    if again.any():  # tables that were put one below another
        notes.append(f"{int(again.sum()):,} rows that repeat the header are passed over")
    return table[~void & ~again].reset_index(drop=True), notes


def _refuse_swallowed(table: pd.DataFrame, text: str, mark: str, path: Path) -> None:
    """InputError where a quote that nobody closed made rows a part of the cell before them."""
    for column in table if '"' in text else ():
        for cell in table[column][table[column].str.contains("\n", regex=False)]:
            inner = cell.splitlines()[1:-1]
            if any(line.count(mark) >= table.shape[1] - 1 for line in inner):
                raise InputError(
                    f"{path}: rows inside a cell of {column}, which begins {cell.splitlines()[0]!r}: a quote is open; "
                    "allowed: quotes closed in their own cell"
                )


def _lines_of_header(text: str, mark: str) -> int:
    reader = csv.reader(io.StringIO(text), delimiter=mark)
    next(reader)
    return reader.line_num


def decode(path: Path) -> str:
    """The text of a file, in whatever encoding."""
    return decoded(path)[0]


def delimiter(text: str) -> str:
    """The mark that cuts the first lines into most cells, as many in each; a comma where none does."""
    lines = text.splitlines()[:LOOKED_AT]
    widths = {}
    for mark in DELIMITERS:
        rows = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
        if rows and rows[0] > 1 and len(set(rows[:-1] or rows)) == 1:  # the last may be cut by its line break
            widths[mark] = rows[0]
    return max(widths, key=lambda mark: widths[mark]) if widths else ","


def _parquet(path: Path) -> pd.DataFrame:
    table = pyarrow.parquet.read_table(path)
    refuse_twice(table.column_names, path)
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_nested(column.type):
            _refuse_lists(name, path)
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            continue  # a photo inside the table, or a list of boxes: nothing that a row could be told by
        columns[clean(name)] = ["" if value is None else str(value) for value in column.to_pylist()]
    if not columns:
        raise InputError(f"{path}: received no column of text or numbers; allowed: names of photo files and labels")
    return pd.DataFrame(columns, dtype=str)


def _refuse_lists(name: str, source: object) -> None:
    """InputError where a column of lists is called as the label: another would silently be it."""
    if is_near(clean(name).casefold(), "label"):
        raise InputError(
            f"{source}: column {name} holds lists; allowed: one label a photo (multi-label tasks are not for this "
            "version)"
        )


def _json_lines(path: Path) -> pd.DataFrame:
    rows = [json.loads(line) for line in decode(path).splitlines() if line.strip()]
    return records(rows, path)


def records(rows: list, source: object) -> pd.DataFrame:
    """A list of JSON objects as a table of text; values that are lists or objects are left out."""
    if not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{source}: received something else than objects; allowed: a list of objects")
    names = list(dict.fromkeys(name for row in rows for name in row))
    flat = [n for n in names if not any(isinstance(row.get(n), dict | list) for row in rows)]
    for name in set(names) - set(flat):
        _refuse_lists(name, source)
    return pd.DataFrame({n: ["" if row.get(n) is None else str(row[n]) for row in rows] for n in flat}, dtype=str)
