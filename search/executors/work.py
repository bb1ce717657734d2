"""A job done: what a worker of any executor runs, in whatever process."""

import traceback
from collections.abc import Iterator
from dataclasses import replace

import torch

from search.jobs import AllFolds, AllRows, Died, Failed, Fatal, Job, Message, OneFold
from trainable.errors import FULL, Lost
from trainable.training.all_rows import train_on_all_rows
from trainable.training.checkpoints import Saving
from trainable.training.report import Report
from trainable.training.trial import run_trial


def work(job: Job, *, device: torch.device, workers: int = 0) -> Iterator[Message]:
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
    except Lost as error:
        yield Died(str(error))
    except torch.AcceleratorError as error:
        yield Died(f"the device was lost: {str(error).strip().splitlines()[0]}")
    except Exception:
        yield Failed(traceback.format_exc())


def _reports(job: Job, device: torch.device, workers: int) -> Iterator[Report]:
    saving = Saving(still=lambda: not job.claim or job.trial.held_by(job.part, job.claim))
    match job:
        case AllRows(trial):
            return train_on_all_rows(trial, device=device, workers=workers, saving=saving)
        case OneFold(trial, fold):
            return run_trial(trial, device=device, workers=workers, only=fold, saving=saving)
        case AllFolds(trial, rungs=rungs):
            return run_trial(trial, device=device, workers=workers, saving=replace(saving, rungs=frozenset(rungs)))
