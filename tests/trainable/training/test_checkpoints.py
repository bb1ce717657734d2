"""When a fold's state goes to disk, that nothing waits for the disk, and what comes of a disk that is full or slow."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers import begun, tiny
from torch import Tensor

from trainable import files
from trainable.run import Fold, Run
from trainable.training import checkpoints
from trainable.training.checkpoints import EVERY, Checkpoints, Saving, copied
from trainable.training.trial import run_trial

CPU = torch.device("cpu")


def saved_after(k: int, saving: Saving, seconds: list[float], root: Path) -> list[int]:
    """Epochs whose state was written, of epochs that take so long."""
    states = Checkpoints(Fold(root), k, saving, CPU)
    found = []
    for epoch, length in enumerate(seconds, 1):
        states.after(epoch, length, lambda epoch=epoch: {"epoch": epoch, "x": torch.full((3,), epoch)})
        states.end()
        if Fold(root).resume.exists():
            found.append(torch.load(Fold(root).resume, weights_only=True)["epoch"])
            assert found[-1] == epoch
            Fold(root).resume.unlink()
    return found


@pytest.mark.parametrize(
    ("k", "rungs", "seconds", "expected"),
    [
        (0, {1, 2, 4}, [1.0] * 6, [1, 2, 4]),
        (1, {1, 2, 4}, [1.0] * 6, []),  # only fold 0 has rungs
        (1, set(), [20.0] * 8, [2, 4, 6, 8]),  # after 40 s the next epoch would make it a minute
        (1, set(), [EVERY] * 3, [1, 2, 3]),
        (0, {3}, [25.0] * 6, [2, 3, 5]),
        (0, {3}, [0.0] * 6, [3]),  # epochs that early stopping left out
    ],
)
def test_a_state_is_written_at_rungs_and_before_a_minute_would_be_lost(
    tmp_path: Path, k: int, rungs: set[int], seconds: list[float], expected: list[int]
) -> None:
    assert saved_after(k, Saving(frozenset(rungs)), seconds, tmp_path) == expected


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that lets no state through before it is told to."""
    go, write = threading.Event(), files.os.fsync

    def wait(number: int) -> None:
        if threading.current_thread().name == "checkpoint":
            assert go.wait(60)
        write(number)

    monkeypatch.setattr(files.os, "fsync", wait)
    yield go
    go.set()


def test_training_goes_on_while_a_state_is_written_and_the_state_is_of_its_epoch(
    run: Run, slow: threading.Event
) -> None:
    trial = begun(run, tiny(epochs=4))
    reports = run_trial(trial, device=CPU, saving=Saving(frozenset({1})))
    next(reports)
    next(reports)
    resume = trial.fold(0).resume
    assert not resume.exists(), "the second epoch has waited for the disk"
    slow.set()
    reports.close()
    state = torch.load(resume, weights_only=True)
    assert state["epoch"] == 1
    moments = [m["step"].item() for m in state["optimiser"]["state"].values()]
    assert set(moments) == {state["updates"]}, "the copy has gone on with the training"
    assert [r.step for r in run_trial(trial, device=CPU)] == list(range(1, 9))
    assert not resume.exists()


def test_nothing_is_written_before_the_device_has_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU's copies are queued: the thread waits for its event, which may fire late, and the training does not."""
    fired, device = threading.Event(), torch.full((3,), 7.0)
    monkeypatch.setattr(checkpoints, "_all_queued", lambda _: lambda: fired.wait(60) and None)
    monkeypatch.setattr(Tensor, "copy_", lambda mine, value, **_: mine)  # queued, not done
    states = Checkpoints(Fold(tmp_path), 0, Saving(every=0), CPU)
    states.after(1, 1.0, lambda: {"x": device})
    monkeypatch.undo()
    assert not list(tmp_path.iterdir())
    states._copy["x"].fill_(7.0)
    fired.set()
    states.end()
    assert torch.load(Fold(tmp_path).resume, weights_only=True)["x"].tolist() == [7.0] * 3


def test_a_device_that_is_lost_while_it_copies_ends_the_trial_and_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> None:
        raise RuntimeError("CUDA error: device is lost")

    states = Checkpoints(Fold(tmp_path), 0, Saving(every=0), CPU)
    states.after(1, 1.0, lambda: {"epoch": 1})
    states.end()
    monkeypatch.setattr(checkpoints, "_all_queued", lambda _: lost)
    states.after(2, 1.0, lambda: {"epoch": 2})
    with pytest.raises(RuntimeError, match="device is lost"):
        states.after(3, 1.0, lambda: {"epoch": 3})
    assert torch.load(Fold(tmp_path).resume, weights_only=True) == {"epoch": 1}


def test_the_end_of_a_fold_waits_for_its_state(run: Run, slow: threading.Event) -> None:
    threading.Timer(0.5, slow.set).start()
    trial = begun(run, tiny(epochs=2))
    list(run_trial(trial, device=CPU, saving=Saving(frozenset({1}))))
    assert slow.is_set() and trial.finished
    assert not list(trial.root.rglob("resume.pt")) and not list(trial.root.rglob("*.partial"))


def test_a_worker_that_no_longer_has_the_trial_moves_nothing_into_place(run: Run, slow: threading.Event) -> None:
    trial = begun(run, tiny(epochs=3))
    trial.claim("folds", "mine")
    saving = Saving(frozenset({1}), still=lambda: trial.held_by("folds", "mine"))
    reports = run_trial(trial, device=CPU, saving=saving)
    next(reports)
    trial.delete_leftovers()  # the search has stopped it while its state was being written
    slow.set()
    reports.close()
    assert not trial.fold(0).resume.exists() and not list(trial.root.rglob("*.partial"))


def test_a_full_disk_is_told_by_the_next_epoch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails in the thread; torch would hide it behind an error of its own."""

    class Full:
        def write(self, content: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints._Honest, "file", property(lambda self: Full(), lambda *_: None), raising=False)
    reports = run_trial(begun(run, tiny(epochs=4)), device=CPU, saving=Saving(every=0))
    next(reports)
    with pytest.raises(OSError, match="No space left") as told:
        next(reports)
    assert told.value.errno == errno.ENOSPC


def test_copies_are_made_into_the_ones_before() -> None:
    """So that a state costs no new memory: values follow, tensors stay where they are."""
    layer = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = {"layer": layer.state_dict(), "numbers": [1, None, (2.5, torch.ones(2))], "epoch": 1}
    first = copied(state)
    with torch.no_grad():
        layer.weight.zero_()
    assert first["layer"]["weight"].abs().sum() > 0 and first["layer"]["weight"].stride() == layer.weight.stride()
    places = [first["layer"]["weight"].data_ptr(), first["numbers"][2][1].data_ptr()]
    again = copied({**state, "epoch": 2, "more": torch.zeros(1)}, first)
    assert [again["layer"]["weight"].data_ptr(), again["numbers"][2][1].data_ptr()] == places
    assert again["epoch"] == 2 and again["layer"]["weight"].abs().sum() == 0 and "more" in again
    assert torch.equal(again["layer"]["bias"], layer.bias)
