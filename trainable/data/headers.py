"""Headers of tables: found whatever their case and blanks, refused where they are nearly a known one."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches

import pandas as pd

from trainable.data.values import clean
from trainable.errors import InputError
from trainable.words import few

NUMBERED = re.compile(r"group[ _-]?(id|no|nr|num|number|name|key|idx|index)")
WORDS = {"folder"}  # near `fold`, and a word of its own
NEAR = 0.8  # share of equal letters from which a header is a known one, misspelt


def find(columns: Iterable[str], name: str, source: object) -> str | None:
    """The header that is `name` but for case, blanks and composition; InputError where two are."""
    columns = list(columns)
    if name in columns:
        return name
    found = [column for column in columns if clean(column).casefold() == clean(name).casefold()]
    if len(found) > 1:
        raise InputError(
            f"{source}: header {name} is there twice: received {', '.join(map(repr, found))}; allowed: once"
        )
    return found[0] if found else None


def named(columns: Sequence[str], name: str, flag: str, source: object) -> str:
    """The header that a flag names (`list.key` may leave out the list); InputError with the nearest ones."""
    for attempt in (name, name.rpartition(".")[2]):
        if (column := find(columns, attempt, source)) is not None:
            return column
    ending = [column for column in columns if column.rpartition(".")[2] == name]
    if len(ending) == 1:
        return ending[0]
    near = get_close_matches(name, [str(c) for c in columns], n=3, cutoff=0.5) or [str(c) for c in columns][:12]
    raise InputError(f"{flag}: received {name!r}, no column of {source}; allowed: {', '.join(near)}")


def refuse_near(frame: pd.DataFrame, source: object, known: Iterable[str]) -> None:
    """InputError for a header near a known one that is absent: it would silently count for nothing."""
    columns = [str(c) for c in frame.columns]
    for name in known:
        if find(columns, name, source) is not None:
            continue
        for column in columns:
            text = clean(column).casefold()
            said = NUMBERED.fullmatch(text) if name == "group" else None
            if said or is_near(text, name):
                several = name == "label" and frame[column].str.contains(r"\S[\s|;,]+\S").any()
                more = "; several labels in a cell (multi-label tasks) are not for this version" if several else ""
                raise InputError(
                    f"{source}: received column {column!r}, nearly {name!r}, which is not there; "
                    f"allowed: {name}, or --{name} {column!r}{more}"
                )


def is_near(text: str, name: str) -> bool:
    """Whether a header, without capitals, is a known one misspelt."""
    return len(text) > 2 and text not in WORDS and SequenceMatcher(None, text, name).ratio() >= NEAR


def refuse_twice(header: Sequence[str], source: object) -> None:
    """InputError where one header is there twice: which of the two columns counts?"""
    twice = list(dict.fromkeys(h for h in header if header.count(h) > 1))
    if twice:
        if "" in twice:
            raise InputError(
                f"{source}: {header.count('')} columns of values without a header, beside {few(filter(None, header))}; "
                "allowed: a name above each, in the first line"
            )
        raise InputError(f"{source}: header there twice: received {', '.join(map(repr, twice[:3]))}; allowed: once")
