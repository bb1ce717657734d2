"""What a run writes down as JSON, as types: parsed here once, so that nobody handles loose dictionaries."""

import importlib.metadata
import math
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from trainable.files import read_json, write_json

FINISHED = "%Y-%m-%dT%H:%M:%SZ"  # how times are written, in UTC
Record = TypeVar("Record")
PACKAGES = ("foldvote", "torch", "timm", "albumentations", "opencv-python-headless", "ray", "optuna", "numpy",
            "pillow", "scikit-learn")  # fmt: skip


@dataclass(frozen=True)
class RunInfo:
    """experiment.json: what was run, on which data, with which versions.

    command: the words it was begun with. metric: name of what scores are, of a function its qualified one. data: the
    data folder. input: the flags about its columns, and in sentences what was taken for what. folds: how many.
    store_size: (height, width) in pixels. weights: file of each backbone's pretrained weights. skipped_images: those
    left out because they cannot be read. attributes: what classes are made of. The fingerprints are of the labelled
    rows, so that runs with and without pseudo labels may vote together. content: what the photos hold. pseudo: where
    pseudo labels come from.
    settings: SEARCH, field by field.
    """

    schema: int
    command: list[str]
    versions: dict[str, str]
    seed: int
    metric: str
    data: str
    layout: str
    input: dict[str, Any]
    classes: tuple[str, ...]
    attributes: dict[str, Any]
    folds: int
    store_size: tuple[int, int]
    weights: dict[str, str]
    skipped_images: tuple[str, ...]
    data_fingerprint: str
    content: str
    folds_fingerprint: str
    pseudo: dict[str, Any] | None
    settings: dict[str, Any]


@dataclass(frozen=True)
class FoldResult:
    """result.json of a fold.

    score: of its validation rows, NaN where the network diverged or there are no rows. statistics: mean and deviation
    of the RGB channels, 0 to 1. micro_batch: how many images went through the network at once.
    seconds: of the epochs; seconds_with_setup: from the fold's beginning in the process that ended it.
    """

    fold: int
    epochs: int
    score: float
    statistics: list[list[float]]
    micro_batch: int
    weights_sha256: str
    seconds: float
    seconds_with_setup: float


@dataclass(frozen=True)
class TrialResult:
    """result.json of a trial.

    oof_score: pooled over the out-of-fold predictions of all folds. later_folds_score: the same without fold 0, by
    which the race chose the trial. accuracies: share of rows that are right, `accuracy` and `accuracy_<attribute>`.
    device: name of the card, or cpu. photos_without_face: where the middle was cut out instead; 0 for other regions.
    """

    trial: str
    metric: str
    oof_score: float
    later_folds_score: float
    fold_scores: tuple[float, ...]
    accuracies: dict[str, float]
    epochs_done: int
    seconds: float
    micro_batch: int
    device: str
    threads: int
    finished_at: str
    photos_without_face: int = field(default=0)


def read_record(kind: type[Record], path: Path) -> Record:
    """A record as it was written; JSON's null stands for NaN, its lists for tuples.

    Raises FileNotFoundError where there is none, json.JSONDecodeError or KeyError where it is damaged.
    """
    values = read_json(path)
    parts = fields(kind)  # type: ignore[arg-type]
    return kind(**{f.name: _restored(f.type, values[f.name]) for f in parts})


def write_record(path: Path, record: Any) -> None:
    write_json(path, asdict(record))


def versions() -> dict[str, str]:
    """{package: version} of Python and of what results depend on; "not installed" where one is missing."""
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _restored(kind: Any, value: Any) -> Any:
    if kind is float and value is None:
        return math.nan
    if get_origin(kind) is tuple:
        return tuple(_restored(get_args(kind)[0], v) for v in value)
    return value
