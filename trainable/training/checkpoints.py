"""When the state of a fold goes to disk, and how: copied to the host, written by a thread while the next epoch trains.

It is written at rungs, where a trial may rest and go on elsewhere, and otherwise before EVERY seconds of training
would be lost. The metrics of an epoch are on disk before its state is; the end of a fold waits for a state that is
still being written, since the fold's own files stand for it from then on.

What a kill loses: the epoch that is under way and those since the last state on disk, together less than EVERY seconds
of training or that one epoch, whichever is more; at a rung, while its state is being written, what came since the one
before. They are trained again, to the same bit on a CPU.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from trainable.files import write_atomic
from trainable.run import Fold

EVERY = 60.0  # seconds of training


@dataclass(frozen=True)
class Saving:
    """What a fold is told of its states.

    rungs: epochs of fold 0 after which the trial may rest. every: seconds of training that would be too many to lose.
    still: whether the fold is still this worker's; what is being written when it no longer is goes nowhere.
    """

    rungs: frozenset[int] = frozenset()
    every: float = EVERY
    still: Callable[[], bool] = lambda: True


SELDOM = Saving()  # where nobody ranks trials


class Checkpoints:
    """The states of one fold: one at a time is copied and written."""

    def __init__(self, files: Fold, k: int, saving: Saving, device: torch.device) -> None:
        self.files, self.saving, self.device = files, saving, device
        self.rungs = saving.rungs if k == 0 else frozenset()
        self.unsaved = 0.0  # seconds of training
        self._copy: Any = None
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def after(self, epoch: int, seconds: float, state: Callable[[], dict[str, Any]]) -> None:
        """Save the state after an epoch (from 1) that took so long, if that is due; returns once it is copied.

        Raises what the writing of the one before came to.
        """
        self.unsaved += seconds
        if epoch in self.rungs or self.unsaved + seconds >= self.saving.every:
            self.end()
            self._copy, self.unsaved = copied(state(), self._copy), 0.0
            self._thread = threading.Thread(target=self._write, args=(_all_queued(self.device),), name="checkpoint")
            self._thread.start()

    def end(self) -> None:
        """Wait for what is being written; raises what that came to."""
        self.close()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Wait for what is being written, whatever it comes to: whoever asks no longer wants to know."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _write(self, is_copied: Callable[[], None]) -> None:
        try:
            is_copied()
            write_atomic(self.files.resume, self._save, still=self.saving.still)
        except Exception as error:  # told by the training itself, at the next state or the end of the fold
            self._error = error

    def _save(self, path: Path) -> None:
        """Tensor by tensor from the copy, for most of it without Python's lock: what trains goes on."""
        with path.open("wb") as file:
            honest = _Honest(file)
            try:
                torch.save(self._copy, honest)  # type: ignore[arg-type]  # it writes, and no more is asked of it
            except RuntimeError:
                if honest.error is not None:
                    raise honest.error from None
                raise


class _Honest:
    """A file that torch.save takes. It would hide what `write` raises, such as that the disk is full."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        try:
            return self.file.write(content)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self.file.flush()


def copied(value: Any, earlier: Any = None) -> Any:
    """Dicts, lists and tensors with every tensor copied to the host, into `earlier`'s where that has its like.

    From a GPU the copies go to pinned memory and are only queued: see `_all_queued`.
    """
    if isinstance(value, Tensor):
        value = value.detach()
        there = isinstance(earlier, Tensor) and (earlier.shape, earlier.dtype) == (value.shape, value.dtype)
        mine = earlier if there else torch.empty_like(value, device="cpu", pin_memory=value.is_cuda)
        return mine.copy_(value, non_blocking=True)
    if isinstance(value, dict):
        before = earlier if isinstance(earlier, dict) else {}
        return {name: copied(part, before.get(name)) for name, part in value.items()}
    if isinstance(value, list | tuple):
        parts = earlier if isinstance(earlier, list | tuple) and len(earlier) == len(value) else [None] * len(value)
        return type(value)(copied(part, mine) for part, mine in zip(value, parts, strict=True))
    return value


def _all_queued(device: torch.device) -> Callable[[], None]:
    """A function that returns when the device has done what was asked of it so far; for another thread to call."""
    if device.type != "cuda":
        return lambda: None
    done = torch.cuda.Event()
    done.record(torch.cuda.current_stream(device))
    return done.synchronize
