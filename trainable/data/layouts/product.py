"""A label that is a product of columns: `--label sort,size`, each column an attribute of the class."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from trainable.data.attributes import Attribute, Attributes
from trainable.data.flags import Flags
from trainable.data.headers import find, named
from trainable.data.layouts.refusals import refuse_other_tasks
from trainable.data.manifest import OWN
from trainable.data.values import counted, joined, near_pairs, numbers, refuse_line_breaks, sorted_names
from trainable.errors import InputError, unknown
from trainable.words import few

NUMBER = re.compile(r"\d+(?:\.\d+)?")
FEWER, MORE = {"<", "≤", "below", "under", "less", "up"}, {">", "≥", "+", "over", "more", "above"}
BESIDE = {"than", "to", "from", "and", "year", "years", "=", "-", "–", "_", "(", ")", "."}


@dataclass(frozen=True)
class Product:
    """columns: those of the table. values: [N] a column, as the manifest keeps them (see `Attribute`), by its name.

    text: the class of every row. lines: what was taken for what.
    """

    columns: tuple[str, ...]
    values: pd.DataFrame
    made_of: Attributes
    text: pd.Series
    lines: tuple[str, ...]


def label_columns(columns: Sequence[str], flags: Flags, where: str) -> tuple[str, ...]:
    """The columns that `--label` names, one or, where no column is called so, several between commas."""
    said = flags.label or ""
    if find(columns, said, where) is not None or "," not in said:
        return (named(columns, said, "--label", where),)
    found = tuple(named(columns, name.strip(), "--label", where) for name in said.split(","))
    if len(set(found)) < len(found):
        raise InputError(f"--label: received {said}, which names a column twice; allowed: each once")
    return found


def is_product(columns: Sequence[str], flags: Flags) -> bool:
    """Whether a label is made of attributes: several columns, or one that is cut or ordered."""
    return len(columns) > 1 or flags.cuts != () or flags.order != ()


def product_of(
    frame: pd.DataFrame, columns: Sequence[str], image: str, where: str, flags: Flags, known: Attributes | None = None
) -> Product:
    """The attributes in `columns` of a table of text, whose photos `image` names.

    known: what the classes are made of already; other values and products are then refused.
    """
    cuts, order = _by_column(flags.cuts, columns, "--cut", where), _by_column(flags.order, columns, "--order", where)
    parts, values, lines = [], {}, []
    for column in columns:
        if column in OWN or column.startswith("pseudo"):
            raise InputError(f"{where}: received {column} as one of several labels; allowed: a column of another name")
        text, said = _texts(frame, column, image, where)
        if known is not None:
            part = known[column]
        elif column in cuts:
            part = _cut(text, column, cuts[column], where)
        else:
            _refuse_other_tasks(text, column, where)
            part = Attribute(column, *_ordered(text, column, order.get(column, ()), where))
        values[column] = _values(text, part, where)
        parts.append(part)
        counts = counted(text) if column not in cuts else {}
        lines += [*said, *near_pairs(counts, counts, column, "one value")]
    table = pd.DataFrame(values, index=frame.index)
    made_of = known if known is not None else _with_cells(Attributes(tuple(parts)), table, where)
    labels = made_of.encode(table)
    if (labels < 0).any():
        raise InputError(f"{where}: received {_shown(frame, columns, labels)}; allowed: products that other rows have")
    names = np.array(made_of.classes())
    return Product(
        tuple(columns),
        table,
        made_of,
        pd.Series(names[labels], index=frame.index, dtype=str),
        (*_sentences(made_of), *lines),
    )


def _refuse_other_tasks(text: pd.Series, column: str, where: str) -> None:
    """InputError for values that are no names: numbers that are to be cut, lists, one value alone."""
    distinct = text.unique()
    found = numbers(distinct)
    if found is not None and ((found != np.round(found)).any() or len(found) > max(2, len(text) / 2)):
        raise InputError(
            f"{where}: {len(found):,} numbers in column {column}: received {few(distinct)}; allowed: values that "
            f"repeat, or --cut {column}=N[,N]"
        )
    refuse_other_tasks(text, column, where)
    if len(distinct) < 2:
        raise InputError(
            f"{where}: column {column} has the one value {distinct[0]!r}; allowed: two at least, or --label without it"
        )


def _by_column(given: Sequence[tuple[str, tuple]], columns: Sequence[str], flag: str, where: str) -> dict[str, tuple]:
    found = {}
    for name, values in given:
        column = find(columns, name, where)
        if column is None:
            raise InputError(f"{flag}: received {name}, which --label does not name; allowed: {', '.join(columns)}")
        found[column] = values
    return found


def _texts(frame: pd.DataFrame, column: str, image: str, where: str) -> tuple[pd.Series, list[str]]:
    refuse_line_breaks(frame[column], where, column)
    text, lines = joined(frame[column], column)
    empty = text == ""
    if empty.any():
        raise InputError(
            f"{where}: no {column} for {few(map(repr, frame[image][empty]))}; allowed: one in every row, or "
            f"--drop {column}= to leave them out"
        )
    return text, lines


def _values(text: pd.Series, part: Attribute, where: str) -> np.ndarray:
    """What the manifest keeps of a column: numbers float64[N], or places int64[N] among the values."""
    if part.cuts:
        return _numbers(text, part.name, where)
    if foreign := sorted(set(text) - set(part.values)):
        raise InputError(f"{where}: received {part.name} {foreign[0]!r}; allowed: {', '.join(part.values)}")
    return text.map({value: place for place, value in enumerate(part.values)}).to_numpy(np.int64)


def _numbers(text: pd.Series, column: str, where: str) -> np.ndarray:
    found = numbers(text)
    if found is None:
        strange = [value for value in text.unique() if numbers([value]) is None]
        raise InputError(f"--cut {column}: received {few(map(repr, strange))} in {where}; allowed: numbers")
    return found


def _cut(text: pd.Series, column: str, cuts: tuple[float, ...], where: str) -> Attribute:
    found = _numbers(text, column, where)
    whole = bool((found == np.round(found)).all()) and all(cut == round(cut) for cut in cuts)
    between = [f"{low:g}-{high - 1:g}" if whole else f"{low:g} to {high:g}" for low, high in pairwise(cuts)]
    part = Attribute(column, (f"<{cuts[0]:g}", *between, f">={cuts[-1]:g}"), ordered=True, cuts=cuts)
    there = np.unique(part.codes(found))
    if len(there) < len(part.values):
        empty = [value for place, value in enumerate(part.values) if place not in there]
        raise InputError(
            f"--cut {column}: received {', '.join(f'{cut:g}' for cut in cuts)}, and no row of {where} has "
            f"{', '.join(empty)}; allowed: borders from above {found.min():g} to {found.max():g}"
        )
    return part


def _ordered(text: pd.Series, column: str, order: tuple[str, ...], where: str) -> tuple[tuple[str, ...], bool]:
    """The values of a column and whether they have an order: as given, or told by the numbers in them."""
    names = sorted_names(text)
    if order:
        if strange := [value for value in order if value not in names]:
            raise unknown(f"--order value of {column} in {where},", strange[0], names)
        if len(set(order)) < len(names) or len(order) > len(names):
            raise InputError(f"--order {column}: received {', '.join(order)}; allowed: each of {', '.join(names)} once")
        return order, True
    keys = {name: key for name in names if (key := _key(name)) is not None}
    if len(set(keys.values())) == len(names):
        return tuple(sorted(names, key=lambda name: keys[name])), True
    return names, False


def _key(name: str) -> tuple[float, int] | None:
    """Where a value with a number in it stands: `<30`, `30-59`, `60+`; None for one without, or with other words."""
    found = NUMBER.findall(name)
    words = set(re.findall(r"[^\W\d_]+|[^\w\s]|_", NUMBER.sub(" ", name).casefold()))
    if not found or words - FEWER - MORE - BESIDE:
        return None
    return float(found[0]), -1 if words & FEWER else 1 if words & MORE else 0


def _with_cells(made_of: Attributes, table: pd.DataFrame, where: str) -> Attributes:
    """With the products that occur as the classes."""
    cells = np.unique(made_of.encode(table))
    if len(cells) > max(2, len(table) / 2):
        raise InputError(
            f"{where}: {len(cells):,} products of {', '.join(made_of.names)} in {len(table):,} rows: received fewer "
            "than two photos a class; allowed: columns of fewer values, or --cut COLUMN=N[,N]"
        )
    gaps = len(cells) < made_of.grid.classes
    return Attributes(made_of.parts, tuple(cells.tolist()) if gaps else ())


def _sentences(made_of: Attributes) -> list[str]:
    sizes = " x ".join(f"{part.name} ({len(part.values)} values)" for part in made_of)
    lines = [f"label = {sizes}: {made_of.grid.classes} classes"]
    lines += [f"{part.name}: in order, {' < '.join(part.values)}" for part in made_of if part.ordered]
    if made_of.cells:
        whole = Attributes(made_of.parts).classes()
        lost = [name for cell, name in enumerate(whole) if cell not in made_of.cells]
        lines.append(f"warning: no photo of {few(lost)}: no classes")
    return lines


def _shown(frame: pd.DataFrame, columns: Sequence[str], labels: np.ndarray) -> str:
    rows = frame.loc[labels < 0, list(columns)].drop_duplicates()
    return few(" ".join(map(str, row)) for row in rows.itertuples(index=False))
