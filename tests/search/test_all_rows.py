"""The queue of trials that are trained on all rows: what becomes of each, without a worker."""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path

from search.all_rows import AllRowsDriver
from search.jobs import AllRows, Died, Failed, Fatal
from search.retries import RETRIES
from trainable.run import Run
from trainable.training.report import Report

EPOCHS = 2


def queue(folder: Path, *names: str) -> AllRowsDriver:
    run = Run(folder)
    for name in names:
        run.trial(name).all_rows.root.mkdir(parents=True)
    return AllRowsDriver(run, EPOCHS, deque(run.trial(name) for name in names))


def said(epoch: int) -> Report:
    return Report(epoch, 0, math.nan, decides=False, fold_done=epoch == EPOCHS, metrics={})


def taken(made: AllRowsDriver) -> AllRows:
    job = made.next_job()
    assert job is not None
    return job


def test_every_trial_is_handed_out_once_and_a_failure_leaves_the_others_alone(tmp_path: Path) -> None:
    made = queue(tmp_path, "a", "b")
    assert made.run.owner.read_text() == made.owner
    first, second = taken(made), taken(made)
    assert [job.trial.id for job in (first, second)] == ["a", "b"] and first.owner == made.owner
    assert made.next_job() is None and not made.finished
    first.trial.all_rows.error.write_text("of an earlier attempt")
    assert made.hear(first, said(1)) and not made.hear(first, said(2))
    assert not first.trial.all_rows.error.exists()
    assert not made.hear(second, Failed("Traceback\nValueError: odd"))
    assert made.finished and made.failures == {second.trial: "ValueError: odd"}
    assert "Traceback" in second.trial.all_rows.error.read_text()
    assert not second.trial.error.exists(), "the trial itself has not failed"


def test_a_process_that_dies_is_replaced_until_it_has_died_too_often(tmp_path: Path) -> None:
    made = queue(tmp_path, "a")
    for _ in range(RETRIES):
        made.hear(taken(made), Died())
        assert not made.finished
    job = taken(made)
    made.hear(job, Died())
    assert made.finished
    assert made.failures == {job.trial: f"its process died {RETRIES + 1} times without finishing another epoch"}
    made.hear(job, Died())  # heard late: it changes nothing
    assert not made.todo


def test_a_process_that_gets_on_before_it_dies_is_never_given_up(tmp_path: Path) -> None:
    made = queue(tmp_path, "a")
    for epoch in range(1, 3 * RETRIES):
        job = taken(made)
        job.trial.all_rows.add_epoch({"epoch": epoch})
        made.hear(job, Died())
    assert not made.failures and not made.finished


def test_a_full_disk_ends_the_queue(tmp_path: Path) -> None:
    made = queue(tmp_path, "a", "b")
    assert not made.hear(taken(made), Fatal("the disk is full"))
    assert made.finished and made.aborted == "the disk is full" and made.next_job() is None
    assert not made.failures
