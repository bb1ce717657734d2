"""A job done: what a worker of any executor runs, in whatever process."""

import traceback
from collections.abc import Iterator

import torch

from search.jobs import AllFolds, AllRows, Failed, Fatal, Job, OneFold
from trainable.errors import FULL
from trainable.training.all_rows import train_on_all_rows
from trainable.training.report import Report
from trainable.training.trial import run_trial


def work(job: Job, *, device: torch.device, workers: int = 0) -> Iterator[Report | Failed | Fatal]:
    """Do a job; yields its epochs. What it raises is a message too, its last: the driver decides what follows.

    workers: processes that prepare batches.
    """
    try:
        for report in _reports(job, device, workers):
            if not isinstance(job, AllFolds) or report.step > job.after:
                yield report
    except OSError as error:
        if error.errno in FULL:
            yield Fatal(f"the disk of {job.trial.run.root} is full", disk_full=True)
        else:
            yield Failed(traceback.format_exc())
    except Exception:
        yield Failed(traceback.format_exc())


def this_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _reports(job: Job, device: torch.device, workers: int) -> Iterator[Report]:
    match job:
        case AllRows(trial):
            return train_on_all_rows(trial, device=device, workers=workers)
        case OneFold(trial, fold):
            return run_trial(trial, device=device, workers=workers, only=fold)
        case AllFolds(trial):
            return run_trial(trial, device=device, workers=workers)
