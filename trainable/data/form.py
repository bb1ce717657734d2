"""The form of a submission: what its sample asks for in each row."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import pandas as pd

from trainable.data.values import clean, numbers
from trainable.errors import InputError
from trainable.words import few

LIST = 3  # words of an answer from which it is a list of them, rather than a name
YES = {"yes", "y", "true", "positive", "pos", "present"}  # the later in the alphabet of the pairs that they are in
FRACTION = re.compile(r"0?\.[0-9]+|1\.0+")  # a probability, as people write it beside a label


@dataclass(frozen=True)
class Form:
    """kind: a label, one column a class, a ranked list of labels separated by blanks, labels with their probabilities
    ("rated": `8815 0.03`), the score of one class, or attributes, a value of each.

    id: the column of ids, whose values lack the photo's suffix where `bare`. header: all columns, in order. columns:
    those that are filled in. names: what each class is called there; with kind "columns" the header of each. absent:
    class columns without a photo, filled with 0. positive: the class whose score is asked for. length: of a list.
    parts: a column of attributes each, what it holds for each class.
    """

    kind: str
    id: str
    header: tuple[str, ...]
    columns: tuple[str, ...]
    names: tuple[str, ...]
    absent: tuple[str, ...] = ()
    positive: int = 1
    length: int = 0
    bare: bool = False
    parts: tuple[tuple[str, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`, of what JSON made of it."""
        found: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**{**found, "parts": tuple(tuple(part) for part in found["parts"])})

    def sentence(self) -> str:
        """What the submission holds, for people."""
        what = {
            "label": f"{self.columns[0]} = a label",
            "attributes": f"{', '.join(self.columns)} = a value each",
            "columns": f"{len(self.columns)} columns, one a class",
            "ranked": f"{self.columns[0]} = the {self.length} likeliest labels, ranked",
            "rated": f"{self.columns[0]} = {'a label' if self.length == 1 else 'labels, each'} with its probability",
            "score": f"{self.columns[0]} = the probability of {self.names[self.positive]}",
        }[self.kind]
        lacking = f"; 0 for {few(self.absent, 5)}, without a photo"
        return f"submission: {self.id or 'rows'}, {what}{lacking if self.absent else ''}"


def form_of(
    table: pd.DataFrame,
    id_column: str,
    answers: Sequence[str],
    classes: Sequence[str],
    bare: bool,
    source: str,
    parts: tuple[tuple[str, ...], ...] = (),
) -> Form:
    """The form that a sample submission has; InputError where its columns fit no task of these classes.

    parts: where the columns are the attributes that classes are made of, what each class is in each of them.
    """
    header = tuple(str(c) for c in table.columns)
    form = Form("label", id_column, header, tuple(answers), tuple(classes), bare=bare)
    if parts:
        return replace(form, kind="attributes", parts=parts)
    if len(answers) > 1:
        names, absent = _class_columns(answers, classes, source)
        _refuse_words(table[[*absent]], source)
        return replace(form, kind="columns", names=names, absent=absent)
    if not answers:
        raise InputError(
            f"{source}: received no column beside {id_column}; allowed: a column of answers, or one a class"
        )
    values = [value for value in (clean(v) for v in table[answers[0]].unique()) if value]
    _refuse_lists_of_words(values, classes, f"{source}: {answers[0]}")
    if not values or all(value in classes for value in values):
        return form
    if length := _rated(values, classes, f"{source}: {answers[0]}"):
        return replace(form, kind="rated", length=length)
    if length := _ranked(values, classes):
        return replace(form, kind="ranked", length=length)
    read = numbers(values)
    if read is not None and ((read != read.round()).any() or not any(_is_number(name) for name in classes)):
        if len(classes) == 2:
            own = next((i for i, name in enumerate(classes) if clean(name) == clean(answers[0])), 1)
            return replace(form, kind="score", positive=own)
        raise InputError(
            f"{source}: one number a photo in {answers[0]}: received {few(values)} and {len(classes)} classes, "
            f"{', '.join(classes[:4])}; allowed: labels, one column a class, or two classes (neither regression nor "
            "several classes under one score are for this version)"
        )
    return form


def guessed_class(form: Form, source: str) -> str:
    """A warning where nothing but the alphabet says whose score is asked for; "" where a name or a number does."""
    own, other = form.names[form.positive], form.names[1 - form.positive]
    if clean(own) == clean(form.columns[0]) or own.casefold() in YES or (_is_number(own) and _is_number(other)):
        return ""
    return (
        f"warning: {form.columns[0]} of {source} asks for the score of one class: taken for {own}, the later name, not "
        f"{other} (where 1 means {other}, build with --metric roc_auc:{other})"
    )


def _refuse_lists_of_words(values: Sequence[str], classes: Sequence[str], source: str) -> None:
    """InputError where answers are lists of words that classes are made of too: each word is a label."""
    words = {word for name in classes for word in name.split() if name != word}
    for value in values:
        parts = value.split()
        if len(parts) >= LIST and value not in classes and 2 * sum(part in words for part in parts) > len(parts):
            raise InputError(
                f"{source}: several labels a photo: received {value!r}, and classes such as {few(classes)}; allowed: "
                "one label a photo (multi-label tasks are not for this version)"
            )


def _refuse_words(table: pd.DataFrame, source: str) -> None:
    """InputError where a column beside those of classes holds words: it is no class without a photo."""
    for column in table:
        words = [value for value in map(clean, table[column].unique()) if value and not _is_number(value)]
        if words:
            raise InputError(
                f"{source}: column {column} holds {few(map(repr, words))}, no probabilities, and is no class of a "
                "photo; allowed: a column a class"
            )


def _ranked(values: Sequence[str], classes: Sequence[str]) -> int:
    """How long the lists are that values hold, 0 where they are none: names of two words, say, without a photo."""
    lists = [value.split() for value in values]
    longest = max(len(words) for words in lists)
    if longest < 2 or any(len(name.split()) != 1 for name in classes):
        return 0
    words = {word for found in lists for word in found}
    told = words & set(classes) or longest > 2 or all(_is_number(word) for word in words)
    return longest if told else 0


def _rated(values: Sequence[str], classes: Sequence[str], source: str) -> int:
    """How many labels with a probability each value holds, such as `8815 0.03`; 0 where none does.

    InputError where some values do and others are lists of labels.
    """
    lists = [value.split() for value in values]
    rated = [in_pairs(words, classes) for words in lists]
    others = [value for value, words, own in zip(values, lists, rated, strict=True) if len(words) > 1 and not own]
    if any(rated) and others:
        first = values[rated.index(True)]
        raise InputError(
            f"{source}: two readings: {first!r} is a label with its probability, {others[0]!r} is a list of labels; "
            "allowed: one form in all rows"
        )
    return max(len(words) // 2 for words in lists) if any(rated) else 0


def in_pairs(words: Sequence[str], classes: Sequence[str]) -> bool:
    """Whether every second word is a fraction and none of the classes."""
    fractions = words[1::2]
    return (
        len(words) > 1
        and len(words) % 2 == 0
        and all(FRACTION.fullmatch(word) is not None and word not in classes for word in fractions)
    )


def refuse_blanks(classes: Sequence[str], source: str) -> None:
    """InputError where a list separated by blanks cannot hold the classes' names."""
    broken = [name for name in classes if len(name.split()) != 1]
    if broken:
        raise InputError(
            f"{source}: ranked lists are separated by blanks: received classes {few(map(repr, broken))}; allowed: "
            "names without blanks"
        )


def _class_columns(
    answers: Sequence[str], classes: Sequence[str], source: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The column of each class, of its name but for case and blanks, and the columns that no class has."""
    loose = {clean(column).casefold(): column for column in answers}
    own = {name: name if name in answers else loose.get(clean(name).casefold(), "") for name in classes}
    held = Counter(own.values())
    lost = [name for name, column in own.items() if not column or held[column] > 1]
    if lost:
        raise InputError(
            f"{source}: no column for {len(lost)} of {len(classes)} classes: received {', '.join(answers[:6])}; "
            f"allowed: a column for each class, such as {', '.join(lost[:3])}"
        )
    return tuple(own.values()), tuple(column for column in answers if column not in held)


def _is_number(name: str) -> bool:
    return numbers([name]) is not None
