"""What submissions answer, as a word a row, whatever their form: only words can be compared with each other."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from trainable.data.form import Form, in_pairs
from trainable.data.values import clean, numbers
from trainable.errors import InputError
from trainable.run import EnsembleFolder

ANSWERS = ("ans", "prediction")  # columns of tables that may have others behind them
SUM = 0.02  # how far a row of probabilities may be from 1: they are rounded
Words = Callable[[pd.DataFrame], list[str]]


def form_known(files: Sequence[Path]) -> Form | None:
    """The form of the first submission that a build wrote; None where none lies in its ensemble's folder."""
    for file in files:
        folder = EnsembleFolder(file.absolute().parent)
        if folder.built and (found := folder.summary().get("form")):
            return Form.from_dict(found)
    return None


def how_to_read(tables: Sequence[pd.DataFrame], columns: Sequence[str], form: Form | None) -> tuple[Words, str]:
    """What makes a word a row of a table, and a sentence of what was made of what, "" where cells are the words.

    columns: those of answers, which all tables have. form: of one of them, where it is known.
    """
    if form is not None and set(form.columns) <= set(columns):
        return _by_form(form)
    if named := next((name for name in ANSWERS if name in columns), None):
        return _of_column(named), ""
    if len(columns) == 1:
        return _of_one(tables, columns[0])
    if all(_are_probabilities(table[list(columns)]) for table in tables):
        return _likeliest(columns), f"compared: the likeliest of {len(columns)} columns"
    own = [name for name in columns if not any(_are_shares(table[name]) for table in tables)]
    if not own:
        raise InputError(
            f"answers: received columns of fractions, {', '.join(columns[:6])}, that are no probabilities of classes; "
            "allowed: a column of labels, or one a class whose probabilities sum to 1 in each row"
        )
    if len(own) == 1:
        return _of_column(own[0]), f"compared: {own[0]}"
    return _joined(own), f"compared: {', '.join(own)} together"


def _by_form(form: Form) -> tuple[Words, str]:
    first = form.columns[0]
    if form.kind == "columns":
        return _likeliest(form.columns), f"compared: the likeliest of {len(form.columns)} columns"
    if form.kind == "attributes":
        return _joined(form.columns), f"compared: {', '.join(form.columns)} together"
    if form.kind in ("ranked", "rated"):
        return _first_word(first), f"compared: the first label of each {first}"
    if form.kind == "score":
        own, other = form.names[form.positive], form.names[1 - form.positive]
        return _half(first, own, other), f"compared: {own} where {first} is .5 or more, else {other}"
    return _of_column(first), ""


def _of_one(tables: Sequence[pd.DataFrame], column: str) -> tuple[Words, str]:
    if all(in_pairs(cell.split(), ()) for table in tables for cell in table[column]):
        return _first_word(column), f"compared: the first label of each {column}"
    if any(_are_shares(table[column]) for table in tables):
        return _half(column, ".5 or more", "below .5"), f"compared: whether {column} is .5 or more"
    return _of_column(column), ""


def _of_column(column: str) -> Words:
    return lambda table: table[column].map(clean).tolist()


def _joined(columns: Sequence[str]) -> Words:
    return lambda table: [" / ".join(map(clean, row)) for row in table[list(columns)].to_numpy(str).tolist()]


def _first_word(column: str) -> Words:
    return lambda table: [next(iter(cell.split()), "") for cell in table[column]]


def _likeliest(columns: Sequence[str]) -> Words:
    names = list(columns)
    return lambda table: [names[c] for c in np.stack([_numbers(table[c]) for c in names], 1).argmax(1).tolist()]


def _half(column: str, own: str, other: str) -> Words:
    return lambda table: [own if value >= 0.5 else other for value in _numbers(table[column]).tolist()]


def _are_probabilities(table: pd.DataFrame) -> bool:
    found = [numbers(table[column]) for column in table]
    if any(column is None for column in found):
        return False
    values = np.stack([column for column in found if column is not None], 1)
    return bool((values >= 0).all() and (np.abs(values.sum(1) - 1) <= SUM).all())


def _are_shares(column: pd.Series) -> bool:
    """Whether a column holds fractions from 0 to 1, rather than labels."""
    found = numbers(column)
    return found is not None and bool(((found >= 0) & (found <= 1)).all() and (found != found.round()).any())


def _numbers(column: pd.Series) -> np.ndarray:
    found = numbers(column)
    if found is None:
        raise InputError(f"answers: received a cell of {column.name} that is no number; allowed: numbers in every row")
    return found
