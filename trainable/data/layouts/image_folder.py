"""Hugging Face's image folder: metadata.csv, .jsonl or .parquet beside the photos, with file_name and further columns.

train/metadata.csv  train/0001.png  test/metadata.csv  test/0002.png        or one metadata.csv at the top
"""

from pathlib import Path

from trainable.data.flags import Flags
from trainable.data.headers import find
from trainable.data.layouts.photos import Photos
from trainable.data.layouts.sample import Sample
from trainable.data.layouts.sources import Source, Table
from trainable.data.layouts.tables import choose, table_files
from trainable.data.text_tables import read_text_table

FILE = "file_name"


def find_image_folder(root: Path, photos: Photos, sample: Sample | None, flags: Flags) -> Source | None:
    """The folder's metadata; None where no such file names photos."""
    tables = []
    for path in table_files(root, (".csv", ".jsonl", ".parquet")):
        if path.stem.lower() != "metadata":
            continue
        table = read_text_table(path)
        if (column := find(table.columns, FILE, path)) is None:
            continue
        folder = path.parent.relative_to(root).as_posix()
        folder = "" if folder == "." else folder
        # Names are relative to the metadata's own folder: written from the data folder on, they are never ambiguous.
        table[column] = [f"{folder}/{name}".strip("/") for name in table[column]]
        tables.append(Table(table.rename(columns={column: FILE}), path, folder))
    return choose(tables, photos, sample, flags, "image folder", (FILE,)) if tables else None
