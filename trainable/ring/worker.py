"""What a worker process does: it fills the slots whose numbers it is sent until there is nobody who sends any."""

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Protocol

import numpy as np

from trainable.ring.layout import Layout

LAST_WORDS = 4000  # bytes, which a pipe takes though nobody reads it
NUMBER = 4  # bytes of a slot's number: so few are read and written whole, however many share a pipe


class Source(Protocol):
    """What makes samples. The same ones for the same (epoch, row), whoever asks."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""

    def fill(self, epoch: int, rows: np.ndarray, out: np.ndarray) -> None:
        """Write the samples of rows int64 [n] into `out`, uint8 [n, *shape]."""


def fill_slots(
    number: int, layout: Layout, packed: bytes, tasks: Connection, done: Connection, words: Connection
) -> None:
    """packed: the pickled `Source`, from the process that started this one, opened once torch cannot be loaded for it.

    tasks, done: pipes of slot numbers, each shared by all workers: no lock that a killed one could have kept.
    words: where its last ones go, a traceback or the stack of a crash.
    """
    faulthandler.enable(words.fileno())
    _end_with_parent()
    incoming, outgoing = tasks.fileno(), done.fileno()
    try:
        # Batches need no torch, but albumentations loads it where it can: 1.4 s and 490 MB of each worker.
        sys.modules.setdefault("torch", None)  # type: ignore[arg-type]
        source: Source = ForkingPickler.loads(packed)
        while sent := os.read(incoming, NUMBER):
            slot = int.from_bytes(sent, "little")
            layout.busy[number] = slot + 1
            epoch, count = layout.orders[slot].tolist()
            source.fill(epoch, layout.rows[slot, :count], layout.batch(slot, count))
            layout.busy[number] = 0
            os.write(outgoing, sent)
    except BrokenPipeError:  # whoever asked has gone
        return
    except Exception:
        os.write(words.fileno(), traceback.format_exc().encode()[-LAST_WORDS:])
        os._exit(1)


def _end_with_parent() -> None:
    """Ctrl-C reaches all processes of a terminal: only the one that asks for batches decides what it means.

    And where that one is killed Linux kills this one, whatever it is at.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked while it was started
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:  # it died while this worker was starting
            os._exit(1)
