"""Samples that say what they are, for worker processes that start in a blink; and workers that meet with something."""

import os
import signal
import time
from dataclasses import dataclass

import numpy as np


@dataclass
class Counting:
    """A sample is epoch * 31 + row, modulo 251. kill, fail: the row at which a worker is killed, or raises."""

    shape: tuple[int, ...] = (4, 3, 3)
    kill: int = -1
    fail: int = -1
    seconds: float = 0.0

    def fill(self, epoch: int, rows: np.ndarray, out: np.ndarray) -> None:
        time.sleep(self.seconds)
        if self.kill in rows:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fail in rows:
            raise KeyError(f"no photo in row {self.fail}")
        out[:] = sample(epoch, rows).reshape(-1, *[1] * len(self.shape))

    def make(self, epoch: int, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.shape), np.uint8)
        self.fill(epoch, rows, out)
        return out


def sample(epoch: int, rows: np.ndarray) -> np.ndarray:
    return ((epoch * 31 + rows) % 251).astype(np.uint8)
