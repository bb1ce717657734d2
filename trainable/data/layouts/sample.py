"""The sample submission of a folder: its rows, and which of its columns are ids and answers."""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trainable.data.layouts.photos import HIDDEN
from trainable.data.text_tables import read_text_table
from trainable.data.values import says_usage
from trainable.errors import InputError

UNNAMED = re.compile(r"Unnamed: ?[0-9]+")
NAME = re.compile(r"sample.*subm|subm.*(sample|format|example|template)", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """table: all cells as text, under the header as it stands; an unnamed column is called "", or as pandas does."""

    table: pd.DataFrame
    path: Path

    @property
    def named(self) -> list[str]:
        """Columns of ids and answers: those that have a name and do not say which rows are public."""
        columns = [str(c) for c in self.table.columns if c and not UNNAMED.fullmatch(c)]
        return [c for c in columns if c not in self.usage]

    @property
    def usage(self) -> list[str]:
        """Columns that say which rows count on which leaderboard; they are kept as they are."""
        return [str(c) for c in self.table.columns if c and says_usage(self.table[c])]


def read_sample(root: Path) -> Sample | None:
    """The sample submission beside the other tables, None where there is none; InputError where there are two."""
    found = sorted(
        p
        for p in root.glob("*")
        if p.suffix.lower() in (".csv", ".tsv") and NAME.search(p.stem) and not HIDDEN.search(p.name)
    )
    if len(found) > 1:
        raise InputError(
            f"data folder {root}: two readings: received {' and '.join(p.name for p in found[:3])}; "
            "allowed: one sample submission"
        )
    return Sample(read_text_table(found[0]), found[0]) if found else None


def is_sample(path: Path) -> bool:
    return NAME.search(path.stem) is not None
