"""`foldvote.yaml` beside the table: what its label is made of, said once instead of with every command.

label: [sort, years]            # one column or several
years: 30, 60                   # numbers: where the column is cut
size: small < medium < large    # names: their order
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from trainable.data.flags import Flags
from trainable.data.values import numbers
from trainable.errors import InputError

NAME = "foldvote.yaml"
FORM = "label: [COLUMN, COLUMN], and for its columns COLUMN: 30, 60 (borders) or COLUMN: a < b < c (an order)"


def with_file(root: Path, flags: Flags) -> Flags:
    """The flags with what the file in `root` says of the label; a flag that is given wins."""
    path = root / NAME
    if not path.is_file() or flags.label is not None:
        return flags
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}; allowed: {FORM}") from None
    if not isinstance(found, dict) or "label" not in found:
        raise InputError(f"{path}: received no label; allowed: {FORM}")
    columns = _words(found.pop("label"), ",", path)
    cuts, order = list(flags.cuts), list(flags.order)
    for column, value in found.items():
        if str(column) not in columns:
            raise InputError(f"{path}: received {column}, which label does not name; allowed: {', '.join(columns)}")
        words = _words(value, "<" if "<" in str(value) else ",", path)
        borders = numbers(words)
        if borders is not None and "<" not in str(value):
            cuts.append((str(column), tuple(borders.tolist())))
        else:
            order.append((str(column), words))
    return replace(flags, label=",".join(columns), cuts=tuple(dict(cuts).items()), order=tuple(dict(order).items()))


def _words(value: Any, mark: str, path: Path) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else str(value).split(mark)
    words = tuple(str(part).strip() for part in parts)
    if not all(words):
        raise InputError(f"{path}: received {value!r}; allowed: {FORM}")
    return words
