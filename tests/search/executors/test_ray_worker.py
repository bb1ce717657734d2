"""The Ray trainable by itself: what it answers when its job raises, hangs, fills the disk, or is another's by now."""

from __future__ import annotations

import errno
import math
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from devices import Failing
from helpers import begun, prepared, tiny

from search.executors.ray_worker import JobTrainable
from search.jobs import AllFolds, AllRows, Failed, Fatal, Job, Message, OneFold, claimed
from trainable import files
from trainable.device import DEVICES
from trainable.errors import Lost
from trainable.files import write_text
from trainable.run import Run
from trainable.training.report import Report
from trainable.training.trial import run_trial

Start = Callable[..., JobTrainable]
SHARE = {"cpus": 1.0, "gpus": 0.0, "threads": 1, "workers": 0}


@pytest.fixture
def job(run: Run) -> AllFolds:
    """A trial of two epochs and two folds, handed out by the run's owner."""
    write_text(run.owner, "me")
    return claimed(AllFolds(begun(run, tiny(epochs=2)), "me"))


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Makes workers as Ray does, and stops them; the fence they raise stands in this test alone."""
    monkeypatch.setattr(files, "_fence", [])
    made: list[JobTrainable] = []

    def begin(job: Job, **changes: Any) -> JobTrainable:
        made.append(JobTrainable({"job": job, **SHARE, "hang_minutes": 10.0, **changes}))
        return made[-1]

    yield begin
    for worker in made:
        worker.cleanup()


def said(worker: JobTrainable, count: int) -> list[Message]:
    steps = [worker.step() for _ in range(count)]
    assert all(math.isnan(step["score"]) for step in steps), "Ray decides nothing by it"
    return [step["message"] for step in steps]


def reports(worker: JobTrainable, count: int) -> list[Report]:
    found = [message for message in said(worker, count) if isinstance(message, Report)]
    assert len(found) == count
    return found


def test_each_step_is_an_epoch_and_told_ones_are_passed_over(start: Start, job: AllFolds) -> None:
    assert [r.step for r in reports(start(job), 4)] == [1, 2, 3, 4]
    assert job.trial.finished
    assert [r.step for r in reports(start(replace(job, after=3)), 1)] == [4]


def test_device_lost_amid_an_epoch_ends_the_process_with_a_sentence_and_another_goes_on(
    start: Start, job: AllFolds, generic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA"
    with monkeypatch.context() as patch:
        patch.setitem(DEVICES, "cpu", Failing(5, torch.AcceleratorError, words))  # 2 batches an epoch, 1 to validate
        worker = start(job)
        assert [r.step for r in reports(worker, 1)] == [1]
        with pytest.raises(Lost, match=r"^the device was lost: CUDA error: unspecified launch failure$"):
            worker.step()
    assert not job.trial.error.exists(), "nothing has failed: Ray says that the process died, and the job comes back"
    assert [r.step for r in reports(start(replace(job, after=1)), 3)] == [2, 3, 4]
    undisturbed = begun(prepared(generic, tmp_path / "undisturbed"), job.trial.config)
    for _ in run_trial(undisturbed, device=torch.device("cpu")):
        pass
    assert (job.trial.oof().probabilities == undisturbed.oof().probabilities).all()


def test_job_and_messages_travel_without_what_was_read_of_the_run(job: AllFolds) -> None:
    assert job.trial.config.epochs == 2 and len(job.trial.run.manifest.frame) == 24
    content = pickle.dumps(job)
    assert len(content) < 1000
    assert pickle.loads(content) == job  # noqa: S301  our own


def test_a_fold_before_its_turn_is_trained_alone(start: Start, job: AllFolds) -> None:
    trial = job.trial
    found = reports(start(claimed(OneFold(trial, 1, "me"))), 2)
    assert [(r.fold, r.step, r.fold_done) for r in found] == [(1, 3, False), (1, 4, True)]
    assert trial.fold(1).finished and not trial.fold(0).finished and not trial.finished
    before = trial.fold(1).result
    assert [r.step for r in reports(start(job), 4)] == [1, 2, 3, 4]
    assert trial.finished and trial.fold(1).result == before


def test_a_network_of_all_rows_lies_beside_the_folds(start: Start, job: AllFolds) -> None:
    found = reports(start(claimed(AllRows(job.trial, "me"))), 2)
    assert [(r.step, r.fold_done, r.decides) for r in found] == [(1, False, False), (2, True, False)]
    assert all(math.isnan(r.score) for r in found)
    assert job.trial.all_rows.finished and not job.trial.folds()


def test_an_exception_is_a_message_with_its_traceback(start: Start, run: Run, job: AllFolds) -> None:
    stranger = run.trial("0123456789ab")  # nobody has begun it
    stranger.root.mkdir(parents=True)
    (message,) = said(start(claimed(AllFolds(stranger, "me"))), 1)
    assert isinstance(message, Failed) and "Traceback" in message.traceback
    assert message.cause.startswith("FileNotFoundError")


def test_a_full_disk_is_not_the_trials_fault(start: Start, job: AllFolds, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    worker = start(job)
    monkeypatch.setattr(files.os, "fsync", full)
    assert said(worker, 1) == [Fatal(f"the disk of {job.trial.run.root} is full", disk_full=True)]


def test_worker_of_an_earlier_driver_writes_nothing_more(start: Start, job: AllFolds) -> None:
    worker = start(job)
    reports(worker, 1)
    job.trial.run.owner.write_text("another")  # as another process does, past the fence of this one
    refused_to_write(worker, job, "was taken over by another driver")


def test_worker_that_was_given_up_while_it_lived_writes_nothing_more(start: Start, job: AllFolds) -> None:
    """Its node was out of reach for a while, and another worker has the trial by now."""
    worker = start(job)
    reports(worker, 1)
    claimed(job)
    refused_to_write(worker, job, "was handed to another worker")


def test_folds_of_one_trial_have_their_own_claims(start: Start, job: AllFolds) -> None:
    worker = start(job)
    reports(worker, 1)
    claimed(OneFold(job.trial, 1, "me"))
    assert len(reports(worker, 1)) == 1


def refused_to_write(worker: JobTrainable, job: AllFolds, words: str) -> None:
    before = {p: p.read_bytes() for p in job.trial.root.rglob("*") if p.is_file()}
    (message,) = said(worker, 1)
    assert isinstance(message, Failed) and words in message.traceback
    assert {p: p.read_bytes() for p in job.trial.root.rglob("*") if p.is_file()} == before


HANGS = """
import pickle, sys, time
from search.executors import ray_worker

def hang(*_, **__):
    time.sleep(600)
    yield

ray_worker.work = hang
ray_worker.JobTrainable(pickle.loads(bytes.fromhex(sys.argv[1]))).step()
"""


def test_a_trial_that_hangs_is_ended_with_its_stacks_and_not_tried_again(start: Start, job: AllFolds) -> None:
    config = {"job": job, **SHARE, "hang_minutes": 0.02}
    command = [sys.executable, "-c", HANGS, pickle.dumps(config).hex()]
    ended = subprocess.run(command, timeout=120, check=False, capture_output=True, cwd=Path(__file__).parents[3])
    assert ended.returncode == 1, ended.stderr
    (message,) = said(start(job, hang_minutes=0.02), 1)  # Ray starts it anew, since its process has died
    assert isinstance(message, Failed)
    assert message.cause == "hung: no epoch within 0.02 minutes (SEARCH.hang_minutes)"
    assert "in hang" in message.traceback, "where it hung"


def test_a_fold_that_hangs_before_its_turn_says_so_of_itself_alone(start: Start, job: AllFolds) -> None:
    fold = claimed(OneFold(job.trial, 1, "me"))
    job.trial.hung(1).write_text("stacks")
    (message,) = said(start(fold), 1)
    assert isinstance(message, Failed) and message.traceback.startswith("stacks\nhung: no epoch")
    assert len(reports(start(job), 1)) == 1
