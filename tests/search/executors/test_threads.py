"""How many threads a trial computes in, read from the threads of the process."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import torch
from helpers import begun, tiny
from threadpoolctl import threadpool_info, threadpool_limits

from search.executors.ray_tune import Share
from search.executors.ray_worker import JobTrainable
from search.jobs import AllFolds, claimed
from trainable import files
from trainable.files import write_text
from trainable.run import Run
from trainable.training.report import Report


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Many, as a fresh process would take; given back afterwards."""
    monkeypatch.setattr(files, "_fence", [])  # the worker raises one
    before = torch.get_num_threads(), cv2.getNumThreads()
    with threadpool_limits(4):
        torch.set_num_threads(4)
        cv2.setNumThreads(4)
        yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


def busy() -> dict[str, int]:
    """Ticks of CPU that each thread of this process has used."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        words = (task / "stat").read_text().rsplit(")", 1)[1].split()
        found[task.name] = int(words[11]) + int(words[12])
    return found


@pytest.mark.parametrize("cpus", [1.0, 2.0])
def test_trial_computes_in_as_many_threads_as_its_share_has(run: Run, threads: None, cpus: float) -> None:
    """Two trials on two cores must not run four threads each."""
    write_text(run.owner, "me")
    trial = begun(run, tiny(epochs=8, input={"store": (32, 32), "size": (64, 64)}))
    share = Share(cpus, 0.0)
    worker = JobTrainable(
        {
            "job": claimed(AllFolds(trial, "me")),
            "cpus": share.cpus,
            "gpus": share.gpus,
            "threads": share.threads,
            "workers": share.workers,
            "hang_minutes": 10,
        }
    )
    try:
        assert isinstance(worker.step()["message"], Report)
        assert torch.get_num_threads() == cpus
        assert cv2.getNumThreads() <= 1
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1, int(cpus)}
        before = busy()
        for _ in range(5):
            assert isinstance(worker.step()["message"], Report)
        used = sorted((ticks - before.get(name, 0) for name, ticks in busy().items()), reverse=True)
        assert used[0] >= 5  # hundredths of a second: enough to tell
        assert sum(ticks > 0.2 * used[0] for ticks in used) <= cpus
    finally:
        worker.cleanup()
