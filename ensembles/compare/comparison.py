"""How alike submissions are, and how each agrees with the vote of the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ensembles.compare.answers import form_known, how_to_read
from trainable.data.form import Form
from trainable.data.text_tables import read_table, without_index
from trainable.data.values import by_value, numbers, says_usage, sorted_names
from trainable.errors import InputError
from trainable.metrics import macro_f1
from trainable.words import few


@dataclass(frozen=True)
class Comparison:
    """S submissions on one test set, whose predictions are C classes.

    agreement: float64 [S, S], share of equal rows. consensus: float64[S], macro-F1 against the vote of the others.
    counts: int64 [S, C], rows of each class. gained, lost: int64 [S, C], of those the ones that the first submission
    calls otherwise, and rows that it alone calls so.
    """

    classes: tuple[str, ...]
    agreement: np.ndarray
    consensus: np.ndarray
    counts: np.ndarray
    gained: np.ndarray
    lost: np.ndarray


def compare(predictions: np.ndarray, classes: tuple[str, ...]) -> Comparison:
    """Compare predictions int [S, M], indices of `classes`, of two or more submissions."""
    count, first = len(classes), predictions[0]
    return Comparison(
        classes,
        (predictions[:, None] == predictions[None]).mean(2),
        np.array([macro_f1(consensus(np.delete(predictions, s, 0)), p, count) for s, p in enumerate(predictions)]),
        np.stack([np.bincount(p, minlength=count) for p in predictions]),
        np.stack([np.bincount(p[p != first], minlength=count) for p in predictions]),
        np.stack([np.bincount(first[p != first], minlength=count) for p in predictions]),
    )


def consensus(predictions: np.ndarray) -> np.ndarray:
    """The vote int64[M] of predictions int [S, M]; among equals the class that the earliest submission says."""
    share = 1 + 0.5 ** np.arange(2, 2 + len(predictions))
    votes = np.stack([share @ (predictions == predicted) for predicted in predictions])
    return predictions[votes.argmax(0), np.arange(predictions.shape[1])]


def read_submissions(files: list[Path], say: Callable[[str], None] = print) -> tuple[np.ndarray, tuple[str, ...]]:
    """Predictions int64 [S, M] in the first file's order of rows, and the names of the classes that occur, sorted.

    Of one column a class the likeliest counts, of a list its first label, of the score of one class whether it is .5 or
    more, which `say` is told. A first column without a name is the row numbers that pandas writes, and no key. Numbers
    are compared by value, so that 3 and 3.0 are one class. What `ensembles.predict` wrote of the same photos is
    compared as well: its paths may be longer, and it has columns of probabilities. Raises InputError for a file that is
    no CSV, or that has other columns or rows than the first.
    """
    tables = [without_index(read_table(file, ())) for file in files]
    if tables[0].columns.empty:
        raise InputError(f"{files[0]}: received no named column; allowed: ids and answers")
    form = form_known(files)
    tables = [_as_submitted(table, form) for table in tables]
    key = _key(tables, form)
    columns = [str(c) for c in tables[0].columns if c != key and not says_usage(tables[0][c])]
    for file, table in zip(files, tables, strict=True):
        columns = [c for c in columns if c in table]
        if key not in table or not columns:
            raise InputError(f"{file}: received columns {', '.join(map(str, table))}; allowed: those of {files[0]}")
    words, said = how_to_read(tables, columns, form)
    if said:
        say(said)
    answers = []
    for file, table in zip(files, tables, strict=True):
        table = table.assign(**{key: _as_named(table[key].tolist(), tables[0][key].tolist())})
        if twice := table[key][table[key].duplicated()].unique().tolist():
            raise InputError(f"{file}: {key} there twice: received {few(twice)}; allowed: each once")
        own = dict(zip(table[key], words(table), strict=True))
        if empty := [name for name, word in own.items() if not word]:
            raise InputError(f"{file}: no {', '.join(columns[:3])} for {few(empty)}; allowed: an answer in every row")
        if set(own) != set(tables[0][key]):
            raise InputError(f"{file}: received other rows than {files[0]}; allowed: each {key} of it once")
        answers.append([own[name] for name in tables[0][key]])
    spelt = _by_value({word for line in answers for word in line})
    classes = sorted_names(spelt.values())
    place = {name: c for c, name in enumerate(classes)}
    return np.array([[place[spelt[word]] for word in line] for line in answers]), classes


def _as_submitted(table: pd.DataFrame, form: Form | None) -> pd.DataFrame:
    """A table that `ensembles.predict` wrote, its first two columns called as in the submission of labels beside it."""
    if form is None or form.kind != "label" or {form.id, form.columns[0]} <= set(table):
        return table
    if list(table.columns[:2]) != ["path", "prediction"]:
        return table
    return table.rename(columns={"path": form.id, "prediction": form.columns[0]})


def _key(tables: Sequence[pd.DataFrame], form: Form | None) -> str:
    """The column of ids: the form's, else the first of the first table whose values differ, else the first."""
    first = [str(c) for c in tables[0].columns]
    if form is not None and form.id in first:
        return form.id
    shared = (c for c in first if all(c in table for table in tables))
    return next((c for c in shared if tables[0][c].is_unique), first[0])


def _as_named(ids: list[str], known: list[str]) -> list[str]:
    """Ids as `known` has them, where each is one of these, or ends with one, or is the end of one: `/data/a.jpg`."""
    if set(ids) == set(known):
        return ids
    by_name: dict[str, list[str]] = {}
    for name in known:
        by_name.setdefault(Path(name).name, []).append(name)
    ends = [[k for k in by_name.get(Path(i).name, []) if i.endswith(f"/{k}") or k.endswith(f"/{i}")] for i in ids]
    return [found[0] if len(found) == 1 else own for own, found in zip(ids, ends, strict=True)]


def _by_value(words: set[str]) -> dict[str, str]:
    """{word: how it is spelt}, of whole numbers without decimals where all are numbers: 3 for 3.0."""
    alike = numbers(words) is not None
    return {word: by_value(word) if alike else word for word in words}
