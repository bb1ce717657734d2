"""What a search leaves in its run for reports: all that only its ledger and its race know.

Reports read it without Optuna. The file is written by `Run.write_search` and read back by `Run.search`.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from trainable.files import read_json, write_json

State = Literal["complete", "stopped", "failed", "waiting"]


@dataclass(frozen=True)
class TrialCourse:
    """How one trial went.

    number: from 1, in the order of suggestion. score: pooled over all folds; NaN unless it is complete. parameters: as
    they were suggested, lists as text. scores: {step: score}; a step counts epochs over all folds, and scores of
    different folds are of different rows. reason: why it was stopped or failed.
    """

    trial: str
    number: int
    state: State
    score: float
    parameters: dict[str, Any]
    scores: dict[int, float]
    reason: str = ""


@dataclass(frozen=True)
class Rung:
    """A step at which fold 0 was judged.

    scores: {trial: what the rung ranks it by}, NaN where a network diverged. went_on: the trials that went beyond it.
    """

    step: int
    scores: dict[str, float]
    went_on: tuple[str, ...]


@dataclass(frozen=True)
class Parameter:
    """The range that a parameter of the space was drawn from.

    low, high: of a number. log: whether it was drawn by its logarithm. choices: of a choice, as `parameters` of a
    TrialCourse hold them.
    """

    kind: Literal["float", "int", "choice"]
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class SearchRecord:
    """A search, as its end or its last writing left it.

    fold_scores: {trial: the scores of its folds so far}. importances: {parameter: its share of the variance of the
    scores at the first rung}, the largest first; empty where they cannot be told. parameters: {name: its range}.
    """

    trials: list[TrialCourse]
    rungs: list[Rung]
    fold_scores: dict[str, list[float]]
    importances: dict[str, float]
    parameters: dict[str, Parameter]


def write_search_record(path: Path, record: SearchRecord) -> None:
    write_json(path, asdict(record))


def read_search_record(path: Path) -> SearchRecord:
    """The record at `path`; raises FileNotFoundError, or json.JSONDecodeError or KeyError where it is damaged."""
    values = read_json(path)
    return SearchRecord(
        trials=[
            TrialCourse(
                **{
                    **course,
                    "score": _number(course["score"]),
                    "scores": {int(step): _number(score) for step, score in course["scores"].items()},
                }
            )
            for course in values["trials"]
        ],
        rungs=[Rung(r["step"], _numbers(r["scores"]), tuple(r["went_on"])) for r in values["rungs"]],
        fold_scores={trial: [_number(s) for s in scores] for trial, scores in values["fold_scores"].items()},
        importances=_numbers(values["importances"]),
        parameters={
            name: Parameter(p["kind"], _number(p["low"]), _number(p["high"]), p["log"], tuple(p["choices"]))
            for name, p in values["parameters"].items()
        },
    )


def _number(value: float | None) -> float:
    """JSON knows no NaN and no infinity: null stands for them."""
    return math.nan if value is None else float(value)


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}
