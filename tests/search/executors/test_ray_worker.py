"""The Ray trainable by itself: what it answers when its trial raises, hangs, fills the disk, or has a new owner."""

from __future__ import annotations

import errno
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from search.executors.ray_worker import FoldTrial
from trainable import files
from trainable.files import write_text
from trainable.run.experiment import Experiment


def given(experiment: Experiment, **changes: Any) -> dict[str, Any]:
    config = tiny(epochs=2)
    write_text(experiment.paths.owner, "me")
    values: dict[str, Any] = {
        "run": str(experiment.paths.root),
        "trial": config.trial_id(experiment.folds.fingerprint()),
        "fold": None,
        "all_rows": False,
        "config": config.to_dict(),
        "after": 0,
        "owner": "me",
        "threads": 1,
        "workers": 0,
        "hang_minutes": 10.0,
    }
    return {**values, **changes}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], FoldTrial]]:
    """Makes workers as Ray does, and stops them; the fence they raise stands in this test alone."""
    monkeypatch.setattr(files, "_fence", [])
    begun: list[FoldTrial] = []

    def begin(config: dict[str, Any]) -> FoldTrial:
        begun.append(FoldTrial(config))
        return begun[-1]

    yield begin
    for worker in begun:
        worker.cleanup()


Start = Callable[[dict[str, Any]], FoldTrial]


def test_each_step_is_an_epoch_and_told_ones_are_passed_over(start: Start, experiment: Experiment) -> None:
    steps = [r["step"] for r in reports(start(given(experiment)), 4)]
    assert steps == [1, 2, 3, 4]
    again = start(given(experiment, after=3))
    assert [r["step"] for r in reports(again, 1)] == [4]


def test_a_fold_ahead_of_its_turn_is_trained_alone(start: Start, experiment: Experiment) -> None:
    job = given(experiment, fold=1)
    said = reports(start(job), 2)
    assert [(r["fold"], r["step"], r["fold_done"]) for r in said] == [(1, 3, False), (1, 4, True)]
    trial = experiment.paths.trial(job["trial"])
    assert trial.fold(1).finished and not trial.fold(0).finished and not trial.finished
    ahead = trial.fold(1).result.read_bytes()
    assert [r["step"] for r in reports(start(given(experiment)), 4)] == [1, 2, 3, 4]
    assert trial.finished and trial.fold(1).result.read_bytes() == ahead


def test_an_exception_is_a_report_with_its_traceback(start: Start, experiment: Experiment) -> None:
    job = given(experiment)
    job["config"] = {**job["config"], "epochs": "many"}
    (report,) = reports(start(job), 1)
    assert "Traceback" in report["error"] and "epochs" in report["error"]
    assert math.isnan(report["score"])


def test_a_full_disk_is_not_the_trials_fault(
    start: Start, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    worker = start(given(experiment))
    monkeypatch.setattr(files.os, "fsync", full)
    (report,) = reports(worker, 1)
    assert report["fatal"] == f"the disk of {experiment.paths.root} is full"


def test_worker_of_an_earlier_driver_writes_nothing_more(start: Start, experiment: Experiment) -> None:
    job = given(experiment)
    worker = start(job)
    reports(worker, 1)
    trial = experiment.paths.trial(job["trial"])
    before = {p: p.read_bytes() for p in trial.root.rglob("*") if p.is_file()}
    write_text_past_the_fence(experiment.paths.owner, "another")
    (report,) = reports(worker, 1)
    assert "was taken over by another driver" in report["error"]
    assert {p: p.read_bytes() for p in trial.root.rglob("*") if p.is_file()} == before


HANGS = """
import json, sys, time
from search.executors import ray_worker as worker

def hang(*_, **__):
    time.sleep(600)
    yield

worker.run_trial = hang
worker.FoldTrial(json.loads(sys.argv[1])).step()
"""


@pytest.mark.slow
def test_a_trial_that_hangs_is_ended_with_its_stacks_and_not_tried_again(start: Start, experiment: Experiment) -> None:
    job = given(experiment, hang_minutes=0.02)
    ended = subprocess.run([sys.executable, "-c", HANGS, json.dumps(job)], timeout=120, check=False)
    assert ended.returncode == 1
    (report,) = reports(start(job), 1)  # Ray starts it anew, since its process has died
    assert "hung: no epoch within 0.02 minutes (SEARCH.hang_minutes)" in report["error"]
    assert "in hang" in report["error"], "where it hung"


def reports(worker: FoldTrial, count: int) -> list[dict[str, Any]]:
    return [worker.step() for _ in range(count)]


def write_text_past_the_fence(path: Path, text: str) -> None:
    """As another process does."""
    path.write_text(text, encoding="utf-8")
