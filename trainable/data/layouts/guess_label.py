"""Which column of a table is the label: by a flag, its name, the sample submission, or what the test table lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trainable.data.flags import Flags
from trainable.data.headers import find
from trainable.data.layouts.join import DERIVED, FOLDER
from trainable.data.layouts.one_hot import from_one_hot, is_binary, one_hot_columns
from trainable.data.layouts.product import Product, is_product, label_columns, product_of
from trainable.data.layouts.several import OF_ID, OF_ROW
from trainable.data.layouts.sources import Source
from trainable.data.layouts.told_by_header import says_owner, says_part
from trainable.data.values import clean, numbers
from trainable.errors import InputError
from trainable.words import few


@dataclass(frozen=True)
class Label:
    """text: the label of every row. columns: those of the table that it was made of. sentence: how it was told.

    product: of several columns, or of one that is cut or ordered, their values. lines: what else is said of it.
    """

    text: pd.Series
    columns: tuple[str, ...]
    sentence: str
    product: Product | None = None
    lines: tuple[str, ...] = ()


def guess_label(
    source: Source, frame: pd.DataFrame, image: str, asked: pd.DataFrame, sample: str, flags: Flags
) -> Label:
    """The label of each row of `frame`; InputError where two columns may be it, with the flag for each.

    asked: the columns that the sample submission, whose file is `sample`, asks to fill in; none where nothing does.
    """
    table, where = source.train, source.train.path.name
    taken = _taken(table.columns, flags, where)
    columns = [c for c in table.columns if c not in (image, OF_ROW, OF_ID, *source.beside, *taken)]
    rows = frame[~frame[OF_ROW].duplicated()] if OF_ROW in frame else frame  # of several photos each, what differs
    if flags.label is not None:
        said = label_columns(table.columns, flags, where)
        if is_product(said, flags):
            return _product(frame, said, image, where, flags)
        return _column(frame, said[0], "--label")
    if flags.cuts or flags.order:
        raise InputError(f"{flags.words()}: received without --label; allowed: together with the columns it names")
    if source.label:
        return _column(frame, source.label, source.layout)
    if (column := find(columns, "label", where)) is not None:
        other = find(columns, str(asked.columns[0]), where) if len(asked.columns) == 1 else None
        if other not in (None, column):
            raise InputError(
                f"{where}: two readings: the label is {column}, by its name, or {other}, which {sample} asks for; "
                f"allowed: --label {column} or --label {other}"
            )
        return _column(frame, column, "its name")
    own = [c for c in DERIVED if c in source.beside and c not in taken]
    folder = [FOLDER] if FOLDER in own else []
    if (found := _by_sample(frame, [*columns, *own], image, asked, sample, where, flags)) is not None:
        return found
    if (named := find(source.beside, "label", where)) is not None:
        raise InputError(
            f"{where}: no column label here, and one in another table; allowed: --label {named} for that, or --label "
            f"COLUMN ({', '.join(columns[:8])})"
        )
    if source.test is not None:
        beyond = [c for c in columns if find(source.test.columns, c, where) is None]
        if len(beyond) == 1:
            _refuse_folder(frame, beyond[0], folder, where)
            return _column(frame, beyond[0], f"the one column that {source.test.path.name} lacks")
        columns = beyond or columns
    if hot := one_hot_columns(frame, columns):
        return _one_hot(frame, hot, image, where, "a single one in every row")
    if folder and not any(_repeats(rows[c]) for c in columns):
        return _column(frame, FOLDER, "the one that each photo lies in")
    unread = f"{few(source.hidden)} not read: answers, by its name" if source.hidden else ""
    passed_over = f"; {unread}" if unread else ""
    there = f"{where}, {unread} (rename it where it holds labels)" if unread else where
    only = _only_one(rows, columns, there)
    _refuse_folder(frame, only, own, where)
    _refuse_no_label(rows[only], only, there)
    return _column(frame, only, f"the one column whose values repeat{passed_over}")


def _taken(columns: Sequence[str], flags: Flags, where: str) -> list[str | None]:
    """Columns that are something else: groups, folds and ids, by flag or name."""
    by_name = [find(columns, name, where) for name in ("group", "fold") if getattr(flags, name) is None]
    by_flag = [find(columns, name, where) for name in (flags.group, flags.fold, flags.id) if name is not None]
    return [*by_name, *by_flag]


def _by_sample(
    frame: pd.DataFrame,
    columns: Sequence[str],
    image: str,
    asked: pd.DataFrame,
    sample: str,
    where: str,
    flags: Flags,
) -> Label | None:
    """The label that a sample submission asks for, by its header or the values it holds."""
    answers = [str(c) for c in asked.columns]
    there = [own for c in answers if (own := find(columns, c, where)) is not None]
    if not answers:
        return None
    if len(answers) == 1 and there:
        return _column(frame, there[0], f"a column of {sample}")
    if len(answers) == 1:
        own = _holding(frame, columns, asked[answers[0]])
        return _column(frame, own, f"{answers[0]} of {sample} holds its values") if own else None
    if len(there) > 1 and all(is_binary(frame[c]) for c in there):
        return _one_hot(frame, there, image, where, f"columns of {sample}")
    if len(there) == len(answers):
        return _product(frame, there, image, where, flags)
    heads = {clean(answer) for answer in answers}
    within = [c for c in columns if frame[c].nunique() > 1 and set(frame[c].map(clean)) <= heads]
    within = [c for c in within if c not in DERIVED] or within
    return _column(frame, within[0], f"its values are columns of {sample}") if len(within) == 1 else None


def _holding(frame: pd.DataFrame, columns: Sequence[str], answers: pd.Series) -> str:
    """The one column whose values a sample's answers are, alone or in lists; "" for none, and for numbers."""
    words = {word for value in answers.map(clean) for word in value.split()}
    if len(words) < 2 or numbers(words) is not None:
        return ""
    held = [c for c in columns if 2 * len(words & set(frame[c].map(clean))) >= len(words)]
    return held[0] if len(held) == 1 else ""


def _only_one(frame: pd.DataFrame, columns: Sequence[str], where: str) -> str:
    if len(columns) == 1:
        return columns[0]
    repeated = [c for c in columns if _repeats(frame[c])]
    if len(repeated) == 1:
        return repeated[0]
    if len(repeated) > 1:
        readings = " or ".join(f"{c} ({_values(frame[c])}, --label {c})" for c in repeated[:4])
        number = "two" if len(repeated) == 2 else f"{len(repeated)}"
        more = f" or one of {len(repeated) - 4} more" if len(repeated) > 4 else ""
        raise InputError(
            f"{where}: {number} readings: the label is {readings}{more}; allowed: one of them, by its flag (and one by "
            "--group where it says what belongs together)"
        )
    raise InputError(
        f"{where}: no label: received columns {', '.join(columns[:8]) or 'of photos only'}; allowed: --label COLUMN "
        "whose values repeat"
    )


def _refuse_no_label(values: pd.Series, column: str, where: str) -> None:
    """InputError where the one column that may be the label is of something else, by its header."""
    if says_owner(column) or says_part(column):
        what = "whom photos belong to" if says_owner(column) else "a part of the data"
        raise InputError(
            f"{where}: no label: received {column} ({_values(values)}), by its header {what}; allowed: a column of "
            f"labels, or --label {column} where it is one"
        )


def _values(values: pd.Series) -> str:
    """How many there are, and the two most frequent ones."""
    return f"{values.nunique():,} values such as {few(map(repr, values.value_counts().index[:2]))}"


def _repeats(values: pd.Series) -> bool:
    return 1 < values.nunique() <= len(values) / 2


def _refuse_folder(frame: pd.DataFrame, column: str, derived: Sequence[str], where: str) -> None:
    """InputError where folders or names of photos part them otherwise than the one column that may be the label."""
    for other in derived:
        pairs = frame[[column, other]].drop_duplicates()
        if not len(pairs) == frame[column].nunique() == frame[other].nunique():
            readings = " or ".join(f"{c} ({frame[c].nunique():,} values, --label {c})" for c in (column, other))
            what = "the one that each photo lies in" if other == FOLDER else "what its name begins with"
            raise InputError(
                f"{where}: two readings: the label is {readings}, {what}; allowed: one of them, by its flag (and the "
                "other by --group where it says what belongs together)"
            )


def _column(frame: pd.DataFrame, column: str, why: str) -> Label:
    return Label(frame[column], (column,), f"label = {column} ({why})")


def _product(frame: pd.DataFrame, columns: Sequence[str], image: str, where: str, flags: Flags) -> Label:
    found = product_of(frame, columns, image, where, flags)
    return Label(found.text, found.columns, found.lines[0], found, found.lines[1:])


def _one_hot(frame: pd.DataFrame, columns: Sequence[str], image: str, where: str, why: str) -> Label:
    text = from_one_hot(frame, columns, where, frame[image])
    return Label(text, tuple(columns), f"label = the one among {', '.join(columns[:6])} ({why})")
