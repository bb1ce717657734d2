"""Tables on a terminal that is too narrow for them: they lose columns, never digits."""

import sys
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

UNBOUND = 1000  # columns of what is no terminal: a file, a pipe


def wide_console() -> Console:
    """A console as wide as the terminal; where the output is none, as wide as any table."""
    return Console(width=None if sys.stdout.isatty() else UNBOUND)


def fitting(console: Console, tables: Iterable[Table]) -> Table:
    """The first of these tables that a console is wide enough for, else the last; what may not wrap counts whole."""
    table, whole = Table(), console.options.update(max_width=UNBOUND)
    for table in tables:
        for column in table.columns:
            if column.no_wrap:  # Rich would cut them to the longest word
                cells = [column.header, *column.cells]
                column.min_width = max(Measurement.get(console, whole, cell).maximum for cell in cells)
        if Measurement.get(console, whole, table).minimum <= console.width:
            break
    return table


def without(columns: Sequence[str], last: Sequence[str], make: Callable[[list[str]], Table]) -> Iterable[Table]:
    """The table of all columns, then without the first of `last`, then without the first two, and so on."""
    for left_out in range(len(last) + 1):
        yield make([column for column in columns if column not in last[:left_out]])
