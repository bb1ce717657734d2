"""Cells of group, fold and label columns: what is joined, and what is kept apart and warned of."""

import re
import shlex
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import pandas as pd

from trainable.errors import InputError
from trainable.words import few

NOBODY = {"", "nan", "na", "none"}  # of a group: nobody is named
LIKE_NOBODY = {"-", "--", "?", ".", "-1", "null", "nil", "nat", "n/a", "#n/a", "<na>", "unknown", "missing"}
NO_LABEL = (LIKE_NOBODY - {"-1"}) | {"nan", "nolabel", "nolabels", "notlabeled", "notlabelled", "tbd", "todo",
                                     "unannotated", "unclassified", "undefined", "unlabeled", "unlabelled",
                                     "unsorted"}  # fmt: skip
UNSAID = re.compile(r"(?<=\w)[\W_]+(?=\w)")  # between the words of such a name
COPY = re.compile(r"(.+?) ?(?:\([0-9]+\)|[-_ ]+(?:copy|kopie|copie|copia)(?: ?\([0-9]+\))?)", re.IGNORECASE)
USAGE = {"public", "private", "ignored"}
ROUNDED = re.compile(r"[+-]?[0-9]([.,][0-9]+)?[eE]\+?[0-9]+")
WARNED = 5  # pairs of near-equal values that are named
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")


def clean(text: str) -> str:
    """One spelling of a value: no blanks around it (full-width ones too), composed letters (NFC)."""
    return unicodedata.normalize("NFC", text).strip()


def joined(column: pd.Series, what: str) -> tuple[pd.Series, list[str]]:
    """The column with spellings joined that differ in blanks and composition only, and what to say of it."""
    distinct = {value: clean(value) for value in column.unique()}
    changed = {value for value, spelt in distinct.items() if value != spelt}
    if not changed:
        return column, []
    rows = int(column.isin(changed).sum())
    return column.map(distinct), [f"{what}: {_rows(rows)} lost blanks or took composed letters"]


def near_pairs(values: Iterable[str], counts: dict[str, int], what: str, question: str) -> list[str]:
    """A warning for each of the first pairs that differ only in case, number form, width or a last slash or dot."""
    found: dict[str, list[str]] = {}
    for value in values:
        found.setdefault(_loose(value), []).append(value)
    alike = [sorted(names) for names in found.values() if len(names) > 1]
    lines = [
        f"warning: {what} {' / '.join(names)}: {question}? {_rows(sum(counts[n] for n in names))}"
        for names in sorted(alike)[:WARNED]
    ]
    if len(alike) > WARNED:
        lines.append(f"warning: {what}: {len(alike) - WARNED} more such pairs")
    return lines


def doubtful_groups(counts: dict[str, int]) -> list[str]:
    """A warning for each group that may be nobody, and one for numbers that were rounded: several are one."""
    lines = [
        f"warning: group {name!r}: one of them, or nobody known? {_rows(count)} (an empty cell stands alone)"
        for name, count in counts.items()
        if name.casefold() in LIKE_NOBODY and count > 1
    ]
    if rounded := [name for name in counts if ROUNDED.fullmatch(name)]:
        lines.append(
            f"warning: group: {len(rounded):,} values such as {rounded[0]} look like numbers that were rounded, which "
            "makes one group of several"
        )
    return lines


def doubtful_labels(counts: dict[str, int], column: str) -> list[str]:
    """A warning for each label that may say that there is none, and for what a system calls the copy of a folder."""
    lines = [
        f"warning: label {name!r}: a class, or not labelled? {_rows(count)} (--drop {shlex.quote(f'{column}={name}')} "
        "leaves them out)"
        for name, count in counts.items()
        if {name.casefold(), UNSAID.sub("", name.casefold())} & NO_LABEL
    ]
    copies = [(name, found[1]) for name in counts if (found := COPY.fullmatch(name)) and found[1] in counts]
    return [*lines, *(f"warning: label {of} / {name}: one class? {_rows(counts[name])}" for name, of in copies)]


def counted(column: pd.Series) -> dict[str, int]:
    return {str(value): int(count) for value, count in column.value_counts().items()}


def names_nobody(groups: pd.Series) -> pd.Series:
    """bool[N]: cells of a group column that are empty, or say so."""
    return groups.str.lower().isin(NOBODY)


def alone_where_nobody(groups: pd.Series, images: Iterable[str]) -> tuple[pd.Series, list[str]]:
    """Groups in which rows that name nobody stand alone, as their image, and what to say of it."""
    nobody = names_nobody(groups)
    if not nobody.any():
        return groups, []
    named = groups[~nobody]
    merged = not nobody.iloc[0] and named.is_unique and int(nobody.sum()) >= len(named) > 1
    said = [f"group: {_rows(int(nobody.sum()))} without one, each stands alone"]
    if merged:
        said.append(
            "warning: group: each value stands in one row, before rows without one: merged cells of a spreadsheet? "
            "Those rows stand alone (fill the values down, where they hold for them)"
        )
    alone = groups.where(~nobody, pd.Series(list(images), index=groups.index))
    return alone, said


def says_usage(column: pd.Series) -> bool:
    """Whether a column says on which leaderboard a row counts, as competitions write it: it is no answer."""
    return {clean(value).casefold() for value in column.unique()} <= USAGE


def refuse_line_breaks(column: pd.Series, source: object, what: str) -> None:
    """InputError where a path or label goes over two lines: a quote is missing somewhere."""
    broken = column[column.str.contains(r"[\r\n]", regex=True)]
    if len(broken):
        raise InputError(
            f"{source}: {what} with a line break inside: received {few(broken.map(repr))}; allowed: one line a cell"
        )


def sorted_names(values: Iterable[str]) -> tuple[str, ...]:
    """Distinct values: whole numbers by value, names by alphabet."""
    names = sorted(set(values))
    return tuple(sorted(names, key=int)) if all(re.fullmatch("-?[0-9]+", n) for n in names) else tuple(names)


def numbers(values: Iterable[str]) -> np.ndarray | None:
    """float64[n] where every value is a plain number, else None."""
    try:
        found = np.array([float(v) for v in values])
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def by_value(text: str) -> str:
    """A whole number without its decimals, 3 for 3.0; anything else as it is."""
    found = WHOLE.fullmatch(text)
    return found[1] if found else text


def _loose(value: str) -> str:
    """What near-equal values share: case, width, invisible letters, double blanks, a last slash or dot, zeros apart."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", value) if unicodedata.category(c) != "Cf")
    text = " ".join(seen.casefold().split()).rstrip("/.")
    return str(Decimal(text).normalize()) if NUMBER.fullmatch(text) else text


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"
