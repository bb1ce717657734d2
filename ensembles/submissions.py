"""submissions.csv beside the runs: a line a submission, with what was expected of it and what the leaderboard said."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from trainable.data.manifest import read_table
from trainable.errors import InputError
from trainable.files import write_atomic
from trainable.run.paths import EnsemblePaths

COLUMNS = ("path", "method", "in_sample", "nested", "nested_std", "date", "score")
FEWEST = 3  # scores from which a correlation says anything


def ledger_of(submission: Path) -> Path:
    """runs/submissions.csv of runs/RUN/ensembles/NAME/submission.csv."""
    above = submission.absolute().parents
    if len(above) < 4 or above[1].name != "ensembles":
        raise InputError(f"received {submission}; allowed: RUN/ensembles/NAME/submission.csv, or --ledger FILE")
    return above[3] / "submissions.csv"


def add_submission(paths: EnsemblePaths, method: str, in_sample: float, nested: float, nested_std: float) -> None:
    """Note a submission that was just built; its leaderboard score stays empty."""
    numbers = (f"{value:.4f}" for value in (in_sample, nested, nested_std))
    line = [str(paths.submission.absolute()), method, *numbers, time.strftime("%Y-%m-%d %H:%M"), ""]
    ledger = ledger_of(paths.submission)
    with FileLock(f"{ledger}.lock"):
        table = read_ledger(ledger)
        _write(ledger, pd.concat([table, pd.DataFrame([line], columns=list(COLUMNS))], ignore_index=True))


def note_score(ledger: Path, submission: Path, score: float) -> None:
    """Write down what the leaderboard said; a file that no build made gets a line of its own."""
    path = str(submission.absolute())
    with FileLock(f"{ledger}.lock"):
        table = read_ledger(ledger)
        if path not in set(table["path"]):
            line = [path, "", "", "", "", time.strftime("%Y-%m-%d %H:%M"), ""]
            table = pd.concat([table, pd.DataFrame([line], columns=list(COLUMNS))], ignore_index=True)
        last = table.index[table["path"] == path][-1]
        table.loc[last, "score"] = f"{score:g}"
        _write(ledger, table)


def read_ledger(ledger: Path) -> pd.DataFrame:
    """The ledger, all columns as text; empty when there is none."""
    if not ledger.is_file():
        return pd.DataFrame({column: pd.Series(dtype=str) for column in COLUMNS})
    return read_table(ledger, COLUMNS)


def correlation(table: pd.DataFrame) -> tuple[int, float]:
    """(how many lines have both, Pearson's r of nested and noted scores; NaN below three or without spread)."""
    both = table[["nested", "score"]].apply(pd.to_numeric, errors="coerce").dropna()
    if len(both) < FEWEST or both.nunique().min() < 2:
        return len(both), float("nan")
    return len(both), float(np.corrcoef(both["nested"], both["score"])[0, 1])


def _write(ledger: Path, table: pd.DataFrame) -> None:
    write_atomic(ledger, lambda p: table.to_csv(p, index=False))
