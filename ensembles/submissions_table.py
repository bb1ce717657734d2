"""submissions.csv beside the runs: a line a submission, with what was expected of it and what the leaderboard said."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from trainable.data.text_tables import read_table
from trainable.errors import InputError
from trainable.files import write_atomic
from trainable.locks import waiting_for
from trainable.metrics import is_loss
from trainable.run import EnsembleFolder

COLUMNS = ("path", "method", "metric", "in_sample", "nested", "nested_std", "date", "score")
FEWEST = 3  # scores from which a correlation says anything


def table_beside(submission: Path) -> Path:
    """runs/submissions.csv of runs/RUN/ensembles/NAME/submission.csv; raises InputError for a file elsewhere."""
    above = submission.absolute().parents
    if len(above) < 4 or above[1].name != "ensembles":
        raise InputError(f"received {submission}; allowed: RUN/ensembles/NAME/submission.csv, or --table CSV")
    return above[3] / "submissions.csv"


def add_submission(
    folder: EnsembleFolder,
    method: str,
    metric: str,
    in_sample: float,
    nested: float,
    nested_std: float,
) -> None:
    """Note a submission that was just built, with its scores; what the leaderboard says of it stays empty.

    Its scores are as in other files, higher is better; the leaderboard's has the sign that it says it with.
    """
    numbers = (f"{value:.4f}" for value in (in_sample, nested, nested_std))
    line = [str(folder.submission.absolute()), method, metric, *numbers, _now(), ""]
    place = table_beside(folder.submission)
    with waiting_for(f"{place}.lock", "writes the same table"):
        _write(place, _with_line(read_submissions_table(place), line))


def note_score(place: Path, submission: Path, score: float) -> None:
    """Write into the table at `place` what the leaderboard said; a file that no build made gets a line of its own."""
    path = str(submission.absolute())
    with waiting_for(f"{place}.lock", "writes the same table"):
        table = read_submissions_table(place)
        if path not in set(table["path"]):
            table = _with_line(table, [path, "", "", "", "", "", _now(), ""])
        last = table.index[table["path"] == path][-1]
        table.loc[last, "score"] = f"{score:g}"
        _write(place, table)


def read_submissions_table(place: Path) -> pd.DataFrame:
    """The table at `place`, all columns as text; without rows when there is none."""
    if not place.is_file():
        return pd.DataFrame({column: pd.Series(dtype=str) for column in COLUMNS})
    return read_table(place, COLUMNS)


def correlation(table: pd.DataFrame) -> tuple[int, float]:
    """How many lines have both a nested and a leaderboard score, and Pearson's correlation of the two.

    Of the lines that have both, those count whose metric is that of the last one. A loss has its own sign, as the
    leaderboard gives it. The correlation is NaN where there are fewer than three such lines, or all have one score.
    """
    both = table[["nested", "score"]].apply(pd.to_numeric, errors="coerce").dropna()
    if len(both):
        metric = str(table.loc[both.index[-1], "metric"])
        both = both[table.loc[both.index, "metric"] == metric]
        if is_loss(metric):
            both["nested"] = -both["nested"]
    if len(both) < FEWEST or both.nunique().min() < 2:
        return len(both), float("nan")
    return len(both), float(np.corrcoef(both["nested"], both["score"])[0, 1])


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M")


def _with_line(table: pd.DataFrame, line: list[str]) -> pd.DataFrame:
    return pd.concat([table, pd.DataFrame([line], columns=list(COLUMNS))], ignore_index=True)


def _write(place: Path, table: pd.DataFrame) -> None:
    write_atomic(place, lambda p: table.to_csv(p, index=False))
