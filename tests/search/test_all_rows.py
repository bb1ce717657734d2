"""The queue of trials that are trained on all rows: what becomes of each, without a worker."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from helpers import tiny

from search.all_rows import AllRows
from search.retries import RETRIES
from search.space import Search
from trainable.files import write_json
from trainable.run.paths import RunPaths


def queue(folder: Path, *names: str) -> AllRows:
    paths = RunPaths(folder)
    for name in names:
        write_json(paths.trial(name).config, tiny(epochs=2).to_dict())
    return AllRows(paths, Search(epochs=2), deque(names))


def said(epoch: int) -> dict[str, Any]:
    return {"step": epoch, "fold": 0, "score": float("nan"), "decides": False, "fold_done": epoch == 2, "metrics": {}}


def test_every_trial_is_handed_out_once_and_a_failure_leaves_the_others_alone(tmp_path: Path) -> None:
    made = queue(tmp_path, "a", "b")
    assert made.paths.owner.read_text() == made.owner
    first, second = made.next_job(), made.next_job()
    assert first is not None and second is not None and made.next_job() is None and not made.finished
    assert (first[0], first[1].epochs, made.told("a")) == ("a", 2, 0)
    assert made.report("a", said(1)) and not made.report("a", said(2))
    assert not made.report("b", {"error": "Traceback\nValueError: odd", "score": float("nan")})
    assert made.finished and made.failures == {"b": "ValueError: odd"}
    assert "Traceback" in made.paths.trial("b").all_rows.error.read_text()
    assert not made.paths.trial("b").error.exists(), "the trial itself has not failed"


def test_a_process_that_dies_is_replaced_until_it_has_died_too_often(tmp_path: Path) -> None:
    made = queue(tmp_path, "a")
    for _ in range(RETRIES):
        assert made.next_job() is not None
        made.died("a")
        assert not made.finished
    assert made.next_job() is not None
    made.died("a")
    assert made.finished and made.failures == {"a": f"its process died {RETRIES + 1} times"}


def test_a_full_disk_ends_the_queue(tmp_path: Path) -> None:
    made = queue(tmp_path, "a", "b")
    made.next_job()
    assert not made.report("a", {"fatal": "the disk is full"})
    assert made.finished and made.aborted == "the disk is full" and made.next_job() is None
