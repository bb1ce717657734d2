"""What a trial gets of a cluster, and how a driver's words and errors pass through Ray; Ray itself is not started."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import begun, prepared, tiny
from ray.exceptions import RayTaskError

from search.executors import ray_tune
from search.executors.ray_tune import RayTune, Share, _Asks, _fits, _Line, _Tells, share_of
from search.executors.ray_worker import JobTrainable
from search.jobs import AllFolds, Died, Job, Message
from trainable.errors import InputError, Lost
from trainable.run import Run
from trainable.training.report import Report


def node(cpus: float, gpus: float = 0.0, *, alive: bool = True) -> dict[str, Any]:
    """As ray.nodes() lists one."""
    return {"Alive": alive, "Resources": {"CPU": cpus, **({"GPU": gpus} if gpus else {}), "memory": 2.0**33}}


@pytest.mark.parametrize(
    ("cpus", "gpus", "nodes", "share"),
    [
        (None, None, [node(2)], Share(1, 0)),
        (2.0, None, [node(2)], Share(2, 0)),
        (None, None, [node(16, 4)], Share(4, 1)),
        (None, 0.5, [node(16, 4)], Share(2, 0.5)),
        (None, 2.0, [node(16, 4)], Share(8, 2)),
        (3.0, 1.0, [node(16, 4)], Share(3, 1)),
        (None, None, [node(2), node(16, 4)], Share(4, 1)),  # where there are GPUs a trial gets one
        (None, None, [node(64, 4), node(8, 1)], Share(8, 1)),  # what the poorest of them can give
        (None, None, [node(1, 8)], Share(1, 1)),
        (8.0, None, [node(8), node(2)], Share(8, 0)),
        (None, None, [node(2), node(64, 8, alive=False)], Share(1, 0)),
    ],
)
def test_share_is_what_was_asked_for_or_suits_the_nodes(
    cpus: float | None, gpus: float | None, nodes: list[dict[str, Any]], share: Share
) -> None:
    assert share_of(cpus, gpus, nodes) == share


@pytest.mark.parametrize(
    ("cpus", "gpus", "nodes", "words"),
    [
        (None, 1.0, [node(8)], "--gpus-per-trial: received 1; allowed: up to 0, the most that a node has"),
        (None, 2.0, [node(8, 1), node(8, 1)], "--gpus-per-trial: received 2; allowed: up to 1, the most that a node"),
        (16.0, None, [node(8), node(8)], "--cpus-per-trial: received 16; allowed: up to 8, the most that a node has"),
        (16.0, 1.0, [node(64), node(8, 1)], "--cpus-per-trial: received 16; allowed: up to 8, the most that a node"),
        (4.0, None, [node(2), node(64, alive=False)], "--cpus-per-trial: received 4; allowed: up to 2"),
    ],
)
def test_share_that_no_node_can_give_is_refused(
    cpus: float | None, gpus: float | None, nodes: list[dict[str, Any]], words: str
) -> None:
    """Ray would wait for such a node for ever."""
    with pytest.raises(InputError, match=words):
        share_of(cpus, gpus, nodes)


def test_a_trial_has_threads_by_its_cpus_and_workers_only_beside_a_gpu() -> None:
    assert [(s.threads, s.workers) for s in (Share(1, 0), Share(2, 0), Share(0.5, 0))] == [(1, 0), (2, 0), (1, 0)]
    assert [(s.threads, s.workers) for s in (Share(4, 1), Share(1, 0.25))] == [(4, 3), (1, 1)]


def test_as_many_trials_fit_a_node_as_its_scarcest_resource_allows() -> None:
    assert _fits({"CPU": 16.0, "GPU": 4.0}, Share(4, 1)) == 4
    assert _fits({"CPU": 6.0, "GPU": 4.0}, Share(4, 1)) == 1
    assert _fits({"CPU": 16.0}, Share(4, 1)) == 0
    assert _fits({"CPU": 3.0}, Share(1, 0)) == 3


class Scripted:
    """A driver that hands out jobs by name, keeps what it hears, and raises what it is told to."""

    def __init__(self, run: Run, *names: str) -> None:
        self.jobs: list[Job] = [AllFolds(run.trial(name)) for name in names]
        self.heard: list[tuple[str, Message]] = []
        self.raises: BaseException | None = None
        self.finished = False

    def next_job(self) -> Job | None:
        self._raise()
        return self.jobs.pop(0) if self.jobs else None

    def hear(self, job: Job, message: Message) -> bool:
        self._raise()
        self.heard.append((job.trial.id, message))
        return not isinstance(message, Died)

    def _raise(self) -> None:
        if self.raises is not None:
            raise self.raises


class ThreeSlots(RayTune):
    share = Share(2.0, 0.0)

    def slots(self) -> int:
        return 3


REPORT = Report(1, 0, 0.5, decides=True, fold_done=False, metrics={})


def asked(driver: Scripted) -> tuple[_Line, _Asks]:
    line = _Line(driver)
    return line, _Asks(line, ThreeSlots(None, None, None, 10.0))


def test_searcher_hands_out_jobs_with_the_workers_share(run: Run) -> None:
    driver = Scripted(run, "a", "b")
    line, asks = asked(driver)
    job = driver.jobs[0]
    assert asks.suggest("1") == {
        "job": job,
        "cpus": 2.0,
        "gpus": 0.0,
        "threads": 2,
        "workers": 0,
        "hang_minutes": 10.0,
    }
    assert asks.suggest("2") is not None
    assert asks.suggest("3") is None, "nothing now; Ray asks again"
    driver.finished = True
    assert asks.suggest("3") == _Asks.FINISHED
    assert set(line.jobs) == {"1", "2"}


def test_searcher_hands_out_no_more_than_fit(run: Run) -> None:
    driver = Scripted(run, *"abcd")
    _, asks = asked(driver)
    for number in "123":
        assert isinstance(asks.suggest(number), dict)
    assert asks.suggest("4") is None and len(driver.jobs) == 1
    asks.on_trial_complete("2")
    assert isinstance(asks.suggest("4"), dict)


def test_trials_share_a_gpu_by_what_their_epochs_used(
    generic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--gpus-per-trial auto` on two GPUs that are said to be there: Ray is asked for parts of them."""
    monkeypatch.setattr(ray_tune.ray, "nodes", lambda: [node(16, 2)])
    run = prepared(generic, tmp_path / "run")
    names = [begun(run, tiny(optim={"lr": lr / 1000})).id for lr in range(1, 9)]
    executor = RayTune(None, None, "auto", 10.0)
    executor.share = Share(8, 1)
    line = _Line(Scripted(run, *names))
    asks = _Asks(line, executor)
    tells = _Tells(line, asks)

    def shares(count: int) -> list[tuple[float, float, int]]:
        found = [asks.suggest(str(len(line.jobs))) for _ in range(count)]
        return [(f["cpus"], f["gpus"], f["workers"]) for f in found if isinstance(f, dict)]

    assert shares(3) == [(8, 1, 7)] * 2, "a GPU each, as long as nothing is known"
    report = Report(1, 0, 0.5, decides=True, fold_done=False, metrics={"seconds": 5.0, "gpu_memory": 0.2})
    for number in "01":
        trial = SimpleNamespace(trial_id=number)
        assert tells.on_trial_result(None, trial, {"message": report}) == _Tells.CONTINUE  # type: ignore[arg-type]
    assert executor.slots() == 4 and shares(1) == [], "they have the GPUs"
    asks.on_trial_complete("0")
    assert shares(4) == [(4, 0.5, 3)] * 2
    request = JobTrainable.default_resource_request({"cpus": 4.0, "gpus": 0.5})
    assert request.required_resources == {"CPU": 4.0, "GPU": 0.5}


def test_messages_reach_the_driver_by_job_and_its_answer_decides(run: Run) -> None:
    driver = Scripted(run, "a", "b")
    line, asks = asked(driver)
    for number in "12":
        asks.suggest(number)
    tells = _Tells(line, asks)

    class Ray:
        trial_id = "2"

    assert tells.on_trial_result(None, Ray(), {"message": REPORT}) == _Tells.CONTINUE  # type: ignore[arg-type]
    asks.on_trial_complete("1")
    asks.on_trial_complete("2", error=True)
    assert driver.heard == [("b", REPORT), ("b", Died())]
    assert tells.on_trial_result(None, Ray(), {"message": Died()}) == _Tells.STOP  # type: ignore[arg-type]


def test_what_a_process_died_of_reaches_the_driver(run: Run) -> None:
    driver = Scripted(run, "a")
    line, asks = asked(driver)
    asks.suggest("1")

    class Ray:
        trial_id = "1"

        def get_pickled_error(self) -> Exception:
            return RayTaskError("step", "", Lost("the device was lost")).as_instanceof_cause()

    _Tells(line, asks).on_trial_error(None, Ray())  # type: ignore[arg-type]
    asks.on_trial_complete("1", error=True)
    assert driver.heard == [("a", Died("the device was lost"))]


@pytest.mark.parametrize("where", ["next_job", "hear"])
def test_what_a_driver_raises_ends_the_search_and_is_kept(run: Run, where: str) -> None:
    """Ray would wrap it into an error of its own."""
    driver = Scripted(run, "a", "b")
    line, asks = asked(driver)
    asks.suggest("1")
    driver.raises = OSError(errno.ENOSPC, "No space left on device")
    if where == "next_job":
        assert asks.suggest("2") == _Asks.FINISHED
    else:
        assert not line.hear("1", REPORT)
    assert line.error is driver.raises and line.finished
    driver.raises = None
    assert asks.suggest("3") == _Asks.FINISHED, "nothing more is begun"
    assert not line.hear("1", REPORT) and not driver.heard, "and what runs is stopped at its next message"


@pytest.mark.parametrize("where", ["next_job", "hear"])
def test_ctrl_c_is_not_put_off_until_an_epoch_ends(run: Run, where: str) -> None:
    driver = Scripted(run, "a", "b")
    line, asks = asked(driver)
    asks.suggest("1")
    driver.raises = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        line.next_job() if where == "next_job" else line.hear("1", REPORT)
    assert line.finished
