"""Submissions compared, as tables on the screen, and leaderboard scores noted."""

import argparse
import math
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ensembles.compare.comparison import Comparison, compare, read_submissions
from ensembles.submissions_table import correlation, note_score, read_submissions_table, table_beside
from trainable.command import check_folder
from trainable.commands import spoken
from trainable.errors import InputError
from trainable.metrics import MACRO_F1, is_loss, is_named
from trainable.run import EnsembleFolder
from trainable.terminal import fitting, wide_console, without

MOST_CLASSES = 60  # in a table on the screen


def show(given: argparse.Namespace) -> int:
    """Exit code of `ensembles.compare` with these arguments; raises InputError."""
    if len(given.files) == 1 or not (given.files or given.note):
        raise InputError(f"files: received {len(given.files)}; allowed: two or more submissions, or --note CSV SCORE")
    if given.note:
        _note(given.table, Path(given.note[0]), given.note[1])
    if given.files:
        found = compare(*read_submissions(given.files))
        names = _short(given.files)
        console = wide_console()
        console.print(_agreement(found, names, console), _classes(found, names, console))
        best = int(found.consensus.argmax())
        if (found.agreement == 1).all():
            print("they give the same answers: one is as good as the other")
        elif len(names) > 2:
            print(f"closest to the vote of the others: {names[best]}, macro-F1 {found.consensus[best]:.4f}")
        else:
            print("their agreement does not tell which of two is better: the nested scores do, or one more submission")
        print(f"next: upload one, then {spoken('compare', '--note', given.files[best], 'SCORE')}")
    return 0


def _note(given_table: Path | None, submission: Path, text: str) -> None:
    try:
        score = float(text)
    except ValueError:
        score = float("nan")
    if not (-1 <= score <= 1 or (math.isfinite(score) and _unbounded(submission))):
        raise InputError(f"--note: received score {text!r}; allowed: a number from -1 to 1, of a loss any")
    if not submission.is_file():
        raise InputError(f"--note: received {submission}, which is no file; allowed: a submission")
    place = given_table or table_beside(submission)
    if place.is_dir():
        raise InputError(f"--table: received {place}, a folder; allowed: a CSV, made where it is missing")
    check_folder("--table", place.parent)
    note_score(place, submission, score)
    table = read_submissions_table(place)
    shown = Table(title=f"{place}", title_justify="left", box=None, header_style="bold")
    for column in table:
        shown.add_column(str(column))
    for line in table.to_numpy(str).tolist():
        shown.add_row(*map(escape, [*_short([Path(line[0])]), *line[1:]]))
    wide_console().print(shown)
    count, r = correlation(table)
    print(
        f"nested and noted scores: {count} pairs, "
        + (f"correlation {r:+.2f}" if r == r else "too few for a correlation")
    )
    print(f"next: {spoken('compare', submission, 'OTHER.csv')}")


def _unbounded(submission: Path) -> bool:
    """Whether a submission was built for a metric that may lie outside -1..1: a loss, or a function."""
    folder = EnsembleFolder(submission.absolute().parent)
    metric = folder.summary()["metric"] if folder.built else MACRO_F1
    return is_loss(metric) or not is_named(metric)


def _agreement(found: Comparison, names: list[str], console: Console) -> Table:
    """Shares of equal rows; on a narrow terminal those with the last submissions are left out."""
    vote = "macro-F1 against the others' vote"

    def by(columns: list[str]) -> Table:
        table = Table(title="share of equal rows", title_justify="left", box=None, header_style="bold")
        for column in columns:
            table.add_column(column, justify="left" if column == "" else "right", no_wrap=column not in ("", vote))
        for s, name in enumerate(names):
            shares = {str(t + 1): f"{v:.3f}" for t, v in enumerate(found.agreement[s])}
            cells = {"": escape(f"{s + 1} {name}"), **shares, vote: f"{found.consensus[s]:.4f}"}
            table.add_row(*(cells[column] for column in columns))
        return table

    numbers = _numbers(names)
    return fitting(console, without(("", *numbers, vote), numbers[::-1], by))


def _classes(found: Comparison, names: list[str], console: Console) -> Table:
    """Rows of each class; of all but the first also what came from and went to other classes of the first.

    Of many classes those whose rows changed most.
    """
    shown = list(range(len(found.classes)))
    title = "rows a class (in brackets: gained and lost against 1)"
    if len(shown) > MOST_CLASSES:
        changed = (found.gained + found.lost).sum(0)
        shown = sorted(np.argsort(-changed, kind="stable")[:MOST_CLASSES].tolist())
        title += f", the {len(shown)} of {len(found.classes)} that changed most"

    def by(columns: list[str]) -> Table:
        table = Table(title=title, title_justify="left", box=None, header_style="bold")
        for column in columns:
            table.add_column(column, justify="right", no_wrap=column != "class")
        for c in shown:
            cells = {
                str(s + 1): f"{found.counts[s, c]} (+{found.gained[s, c]} -{found.lost[s, c]})"
                for s in range(1, len(names))
            }
            cells |= {"class": escape(found.classes[c]), "1": str(found.counts[0, c])}
            table.add_row(*(cells[column] for column in columns))
        return table

    numbers = _numbers(names)
    return fitting(console, without(("class", *numbers), numbers[::-1], by))


def _numbers(names: list[str]) -> list[str]:
    return [str(s + 1) for s in range(len(names))]


def _short(files: list[Path]) -> list[str]:
    """NAME of RUN/ensembles/NAME/submission.csv with its run; of any other file its name."""
    return [
        f"{f.absolute().parents[2].name}/{f.absolute().parent.name}"
        if len(f.absolute().parents) > 3 and f.absolute().parents[1].name == "ensembles"
        else f.name
        for f in files
    ]
