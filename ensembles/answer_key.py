"""What an answer key says of each row, in the words of training or of the submission."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from trainable.data.form import Form
from trainable.data.headers import find
from trainable.data.values import by_value, clean
from trainable.errors import InputError
from trainable.words import few

Words = dict[str, int]  # {what a class is called: its number}


def right_classes(truth: pd.DataFrame, form: Form, classes: Sequence[str], source: Path) -> list[int]:
    """The right class of each row of an answer key; InputError where it says none, or another one."""
    if form.kind == "attributes":
        return _products(truth, form, source)
    return _answers(truth, form.id, form.columns[0], words_of(form, classes), source)


def words_of(form: Form, classes: Sequence[str]) -> Words:
    """What answers may call each class: as in training, else as in the submission, else by the score of one."""
    words = {clean(name): c for c, name in enumerate(classes)}
    for c, name in enumerate(form.names):
        words.setdefault(clean(name), c)
    if form.kind == "score":
        words.setdefault("1", form.positive)
        words.setdefault("0", 1 - form.positive)
    return words


def number_of(words: Mapping[str, int], word: str, source: Path) -> int:
    """The class that a word calls; numbers may be written with decimals: 3.0."""
    found = words.get(clean(word), words.get(by_value(clean(word))))
    if found is None:
        raise InputError(f"{source}: received class {word!r}; allowed: {few(words, 8)}")
    return found


def _answers(truth: pd.DataFrame, key: str, column: str, words: Words, source: Path) -> list[int]:
    """The right class of each row."""
    others = [str(name) for name in truth.columns if name not in (key, "")]
    hot = [name for name in others if clean(name) in words]
    if len({words[clean(name)] for name in hot}) > 1 and (ones := _one_hot(truth[hot])) is not None:
        return [words[clean(hot[place])] for place in ones]
    own = find(others, column, source)
    label = find(others, "label", source)
    if own is not None and label not in (None, own) and {by_value(clean(v)) for v in truth[label]} <= set(words):
        raise InputError(
            f"{source}: two readings: answers in {own}, as the submission has its own, or in {label}; allowed: one of "
            "these columns"
        )
    if own is None and len(others) > 1:  # further columns, as competitions say which rows are public
        holding = [name for name in others if {by_value(clean(v)) for v in truth[name]} <= set(words)]
        own = holding[0] if len(holding) == 1 else None
    own = own or (others[0] if len(others) == 1 else None)
    if own is None:
        raise InputError(
            f"{source}: received columns {', '.join(others)}; allowed: {column}, one column of classes "
            f"({few(words)}), or one a class with a 1"
        )
    if (asked := words.get(clean(own))) is not None and len(set(words.values())) == 2:
        words = {**words, "1": asked, "0": 1 - asked}
    return [number_of(words, word, source) for word in truth[own]]


def _products(truth: pd.DataFrame, form: Form, source: Path) -> list[int]:
    """The right class of each row, from a column for each attribute."""
    number = {values: c for c, values in enumerate(zip(*form.parts, strict=True))}
    columns = [find(truth.columns, name, source) for name in form.columns]
    if missing := [name for name, own in zip(form.columns, columns, strict=True) if own is None]:
        raise InputError(f"{source}: missing column {', '.join(missing)}; allowed: {', '.join(form.columns)}")
    rows = [tuple(map(clean, row)) for row in truth[columns].to_numpy(str).tolist()]
    if strange := [row for row in rows if row not in number]:
        raise InputError(f"{source}: received {' '.join(strange[0])}, no class; allowed: {few(form.names)}")
    return [number[row] for row in rows]


def _one_hot(table: pd.DataFrame) -> list[int] | None:
    """The column of each row that alone holds a 1; None where rows have none or several."""
    ones = (table.apply(pd.to_numeric, errors="coerce") == 1).to_numpy()
    return ones.argmax(1).tolist() if (ones.sum(1) == 1).all() else None
