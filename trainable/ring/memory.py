"""Memory that a process and its workers see as the same arrays.

It has no name and lies on no file system: a container's /dev/shm of 64 MB is not touched, and whatever is killed, the
system frees it with the last process that maps it.
"""

import mmap
import os
from multiprocessing.reduction import DupFd

import psutil

from trainable.errors import InputError

MOST = 0.5  # of the memory that is free


class Mapped:
    """`size` bytes, zero at first. Travels to processes that are being started, never elsewhere."""

    def __init__(self, size: int, descriptor: int | None = None) -> None:
        self.size = size
        self.descriptor = os.memfd_create("batches") if descriptor is None else descriptor
        try:
            if descriptor is None:  # taken now: a page that cannot be had later is a bus error
                os.posix_fallocate(self.descriptor, 0, size)
            self.map = mmap.mmap(self.descriptor, size)
        except OSError as error:
            os.close(self.descriptor)
            raise InputError(
                f"memory for batches: needs {size / 1e6:.0f} MB, received {error.strerror}; allowed: fewer workers or "
                "a smaller input.size"
            ) from None

    def __reduce__(self) -> tuple:
        return _attached, (DupFd(self.descriptor), self.size)

    def close(self) -> None:
        """Hand it to no more processes. It is freed with the last array that looks into it."""
        os.close(self.descriptor)


def _attached(descriptor: DupFd, size: int) -> Mapped:  # type: ignore[valid-type]
    return Mapped(size, descriptor.detach())  # type: ignore[attr-defined]


def slots_that_fit(wanted: int, least: int, slot_bytes: int) -> int:
    """How many slots of a ring may be taken from the memory that is free: `wanted`, or fewer down to `least`.

    Raises InputError where not even these fit.
    """
    free = psutil.virtual_memory().available
    fits = int(free * MOST / slot_bytes)
    if fits < least:
        raise InputError(
            f"memory for batches: needs {least * slot_bytes / 1e6:.0f} MB, received {free / 1e6:.0f} MB free, of which "
            f"{MOST:.0%} may be used; allowed: fewer trials at once, fewer workers or a smaller input.size"
        )
    return min(wanted, fits)
