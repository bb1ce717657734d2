"""Jobs one after another in this process, and what a job says, whoever runs it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import begun, tiny

from search.executors import inline, open_executor, work
from search.executors.inline import Inline
from search.jobs import AllFolds, AllRows, Failed, Fatal, Job, Message, OneFold
from trainable.run import Run
from trainable.training.report import Report

CPU = torch.device("cpu")


class Queue:
    """A driver of given jobs, each of which ends after `most` messages."""

    finished = False

    def __init__(self, *jobs: Job, most: int = 100) -> None:
        self.jobs, self.most = list(jobs), most
        self.heard: list[tuple[Job, Message]] = []

    def next_job(self) -> Job | None:
        return self.jobs.pop(0) if self.jobs else None

    def hear(self, job: Job, message: Message) -> bool:
        self.heard.append((job, message))
        return sum(j is job for j, _ in self.heard) < self.most


def test_jobs_run_one_after_another_to_their_end(run: Run) -> None:
    first, second = (begun(run, tiny(optim={"lr": lr})) for lr in (1e-3, 2e-3))
    jobs: list[Job] = [OneFold(first, 1), AllFolds(first), AllFolds(second), AllRows(second)]
    driver = Queue(*jobs)
    with open_executor("inline", address=None, cpus=None, gpus=None, hang_minutes=1.0) as executor:
        assert isinstance(executor, Inline) and executor.slots() == 1
        executor.execute(driver, run)
    told = [(jobs.index(job), message.step) for job, message in driver.heard if isinstance(message, Report)]
    assert told == [(0, 2), (1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
    assert first.finished and second.finished and second.all_rows.finished


def test_job_ends_where_its_driver_says_so(run: Run) -> None:
    trial = begun(run, tiny(epochs=3))
    driver = Queue(AllFolds(trial), AllFolds(trial, after=1), most=1)
    Inline().execute(driver, run)
    assert [message.step for _, message in driver.heard if isinstance(message, Report)] == [1, 2]
    assert len(trial.fold(0).epochs()) == 2


def test_what_a_job_raises_is_its_last_message_and_the_next_one_runs(run: Run) -> None:
    good, bad = begun(run, tiny()), run.trial("0123456789ab")  # nobody has begun this one
    driver = Queue(AllFolds(bad), AllFolds(good))
    Inline().execute(driver, run)
    (_, failed), *others = driver.heard
    assert isinstance(failed, Failed) and failed.cause.startswith("FileNotFoundError")
    assert len(others) == 2 and good.finished


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), Fatal),
        (OSError(errno.EIO, "Input/output error"), Failed),
        (ValueError("odd"), Failed),
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), Failed),
    ],
)
def test_only_a_full_disk_is_not_the_jobs_own_fault(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, message: type
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise error
        yield

    trial = begun(run, tiny())
    monkeypatch.setattr(work, "run_trial", broken)
    (said,) = work.work(AllFolds(trial), device=CPU)
    assert isinstance(said, message)
    assert isinstance(said, Fatal) or "Traceback" in said.traceback


def test_ctrl_c_is_not_a_failure_of_the_job(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(work, "run_trial", stopped)
    driver = Queue(AllFolds(begun(run, tiny())))
    with pytest.raises(KeyboardInterrupt):
        Inline().execute(driver, run)
    assert not driver.heard


def test_no_ray_process_is_started(tmp_path: Path) -> None:
    assert "ray" not in vars(inline) and "ray" not in vars(work)
