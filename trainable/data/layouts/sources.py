"""What a layout finds before anything is decided: tables of text, whose columns are yet to be told apart."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd


@dataclass(frozen=True, eq=False)
class Table:
    """frame: columns of str. path: the file, for messages. folder: below the data folder, where it lies. notes: what is
    unusual about the file, in sentences."""

    frame: pd.DataFrame
    path: Path
    folder: str
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        return [str(c) for c in self.frame.columns]


@dataclass(frozen=True)
class Source:
    """Tables of labelled rows and of rows to predict.

    layout: its name. train: one table, or several of the same form. test: None where only a sample submission or a
    folder says what is to be predicted. label: the column where the layout knows it, else "". images: the columns that
    may name photos, empty for all. lines: what was found, in sentences. beside: columns of `train` that other tables
    say of its photos. hidden: tables that are not read, since by their names they hold answers.
    """

    layout: str
    train: Table
    test: Table | None = None
    label: str = ""
    images: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(default=())
    beside: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
