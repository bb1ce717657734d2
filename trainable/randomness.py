"""Random numbers that depend on (seed, epoch, row) alone, so that a batch is the same whatever worker makes it.

Philox is counter-based: giving it another key costs a few microseconds, against 60 or so of augmentation.
"""

import random

import numpy as np


def generator(*key: int) -> np.random.Generator:
    """A generator of its own for a purpose, named by whole numbers (seed, fold, epoch, ...)."""
    # Its length goes first: a SeedSequence takes (5,) and (5, 0) for the same.
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((len(key), *key))))


class SampleRandom(random.Random):
    """One stream, seen as `random.Random` and as numpy's Generator (`numpy`), re-keyed for every sample.

    All transforms of a pipeline draw from it in turn; streams of their own with one seed would make flip, brightness
    and dropout decide alike.
    """

    def __init__(self) -> None:
        self._philox = np.random.Philox(key=0)
        self.numpy = np.random.Generator(self._philox)
        self._state = self._philox.state
        super().__init__()

    def key(self, seed: int, epoch: int, row: int) -> None:
        """Start the stream of one sample of one epoch."""
        self._state["state"]["key"][:] = (seed << 32 | epoch, row)
        self._state["state"]["counter"][:] = 0
        self._state["buffer_pos"] = 4  # the buffer is spent: the next draw uses the new key
        self._state["has_uint32"] = 0
        self._philox.state = self._state

    def random(self) -> float:
        return self.numpy.random()

    def getrandbits(self, k: int, /) -> int:
        if k <= 53:  # what a double holds; six times quicker than asking for bytes
            return int(self.numpy.random() * (1 << k))
        return int.from_bytes(self.numpy.bytes((k + 7) // 8), "little") >> (-k % 8)

    def seed(self, *_: object) -> None:
        """Called by random.Random's constructor; the stream is keyed by `key` alone."""
