"""Submissions against each other, before one of the scarce uploads is spent.

python -m ensembles.compare A.csv B.csv [...]               agreement, score against the others' vote, class counts
python -m ensembles.compare --note SUBMISSION.csv SCORE     note what the leaderboard said, show nested against noted

The vote of the other submissions stands for the answer key; what it scores is no leaderboard score, but a submission
that strays from all others shows.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from ensembles.submissions import correlation, ledger_of, note_score, read_ledger
from trainable.command import Parser, guarded
from trainable.data.manifest import read_table
from trainable.errors import InputError
from trainable.metrics import macro_f1


@dataclass(frozen=True)
class Comparison:
    """agreement float64[S, S]: share of equal rows. consensus float64[S]: macro-F1 against the vote of the others.

    counts int64[S, C]: rows of each class. moved int64[S, C, C]: rows that the first calls i and submission s calls j.
    """

    classes: tuple[str, ...]
    agreement: np.ndarray
    consensus: np.ndarray
    counts: np.ndarray
    moved: np.ndarray


def compare(predictions: np.ndarray, classes: tuple[str, ...]) -> Comparison:
    """predictions int[S, M], indices of classes; S >= 2."""
    count = len(classes)
    return Comparison(
        classes,
        (predictions[:, None] == predictions[None]).mean(2),
        np.array(
            [macro_f1(consensus(np.delete(predictions, s, 0), count), p, count) for s, p in enumerate(predictions)]
        ),
        np.stack([np.bincount(p, minlength=count) for p in predictions]),
        np.stack([np.bincount(predictions[0] * count + p, minlength=count**2) for p in predictions]).reshape(
            -1, count, count
        ),
    )


def consensus(predictions: np.ndarray, classes: int) -> np.ndarray:
    """The vote int64[M] of predictions int[S, M]; a tie goes to the tied class that the earliest submission says."""
    votes = np.zeros((predictions.shape[1], classes))
    rows = np.arange(predictions.shape[1])
    for s, predicted in enumerate(predictions):
        votes[rows, predicted] += 1 + 0.5 ** (s + 2)
    return votes.argmax(1)


def read_submissions(files: list[Path]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Predictions int64[S, M] in the first file's order of rows, and the classes that occur in their order."""
    tables = [pd.DataFrame(read_table(file, ())) for file in files]
    key, column = tables[0].columns[0], tables[0].columns[-1]
    if "ans" in tables[0]:  # the competition's table may have other columns behind it
        column = "ans"
    words = []
    for file, table in zip(files, tables, strict=True):
        if key not in table or column not in table or key == column:
            raise InputError(f"{file}: received columns {', '.join(map(str, table))}; allowed: those of {files[0]}")
        if table[key].duplicated().any() or set(table[key]) != set(tables[0][key]):
            raise InputError(f"{file}: received other rows than {files[0]}; allowed: each {key} of it once")
        words.append(table.set_index(key)[column].loc[tables[0][key]].tolist())
    found = {word for line in words for word in line}
    numbers = all(word.isdigit() for word in found)
    classes = sorted(found, key=int) if numbers else sorted(found)
    place = {word: c for c, word in enumerate(classes)}
    return np.array([[place[word] for word in line] for line in words]), tuple(classes)


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m ensembles.compare", description="Compare submissions with each other.")
    parser.add_argument("files", nargs="*", type=Path, metavar="CSV", help="submissions on the same test set")
    parser.add_argument("--note", nargs=2, metavar=("CSV", "SCORE"), help="note a leaderboard score")
    parser.add_argument("--ledger", type=Path, metavar="CSV", help="default: submissions.csv beside the runs")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    if not given.note and len(given.files) < 2:
        raise InputError(f"files: received {len(given.files)}; allowed: two or more submissions, or --note CSV SCORE")
    if given.note:
        _note(given.ledger, Path(given.note[0]), given.note[1])
    if given.files:
        found = compare(*read_submissions(given.files))
        names = _short(given.files)
        Console().print(_agreement(found, names), _classes(found, names))
        best = names[int(found.consensus.argmax())]
        print(f"closest to the vote of the others: {best}, macro-F1 {found.consensus.max():.4f}")
        print(
            f"next: upload one, then python -m ensembles.compare --note {given.files[found.consensus.argmax()]} SCORE"
        )
    return 0


def _note(ledger: Path | None, submission: Path, text: str) -> None:
    try:
        score = float(text)
    except ValueError:
        score = float("nan")
    if not 0 <= score <= 1:
        raise InputError(f"--note: received score {text!r}; allowed: a number from 0 to 1")
    if not submission.is_file():
        raise InputError(f"--note: received {submission}, which is no file; allowed: a submission")
    place = ledger or ledger_of(submission)
    note_score(place, submission, score)
    table = read_ledger(place)
    shown = Table(title=f"{place}", title_justify="left", box=None, header_style="bold")
    for column in table:
        shown.add_column(str(column))
    for line in table.to_numpy(str).tolist():
        shown.add_row(*_short([Path(line[0])]), *line[1:])
    Console().print(shown)
    count, r = correlation(table)
    print(
        f"nested and noted scores: {count} pairs, "
        + (f"correlation {r:+.2f}" if r == r else "too few for a correlation")
    )
    print(f"next: python -m ensembles.compare {submission} OTHER.csv")


def _agreement(found: Comparison, names: list[str]) -> Table:
    table = Table(title="share of equal rows", title_justify="left", box=None, header_style="bold")
    for column in ("", *(str(s + 1) for s in range(len(names))), "macro-F1 against the others' vote"):
        table.add_column(column, justify="left" if column == "" else "right")
    for s, name in enumerate(names):
        table.add_row(f"{s + 1} {name}", *(f"{v:.3f}" for v in found.agreement[s]), f"{found.consensus[s]:.4f}")
    return table


def _classes(found: Comparison, names: list[str]) -> Table:
    """Rows of each class; of all but the first also what came from and went to other classes of the first."""
    table = Table(
        title="rows a class (in brackets: gained and lost against 1)",
        title_justify="left",
        box=None,
        header_style="bold",
    )
    for column in ("class", *(str(s + 1) for s in range(len(names)))):
        table.add_column(column, justify="right")
    for c, name in enumerate(found.classes):
        gained = found.moved[:, :, c].sum(1) - found.moved[:, c, c]
        lost = found.moved[:, c].sum(1) - found.moved[:, c, c]
        cells = [f"{found.counts[s, c]} (+{gained[s]} -{lost[s]})" for s in range(1, len(names))]
        table.add_row(name, str(found.counts[0, c]), *cells)
    return table


def _short(files: list[Path]) -> list[str]:
    """NAME of RUN/ensembles/NAME/submission.csv with its run; of any other file its name."""
    return [
        f"{f.absolute().parents[2].name}/{f.absolute().parent.name}"
        if len(f.absolute().parents) > 3 and f.absolute().parents[1].name == "ensembles"
        else f.name
        for f in files
    ]


if __name__ == "__main__":
    raise SystemExit(main())
