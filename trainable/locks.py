"""Locks between processes: whoever waits says for what. The system gives a lock free when its holder dies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from trainable.errors import InputError

SAY_EVERY = 60.0  # seconds


@contextmanager
def waiting_for(lock: Path | str, what: str) -> Iterator[None]:
    """Hold a lock, after whoever has it; `what` they do is said, and each minute how long that has taken."""
    held = FileLock(lock)
    began = time.monotonic()
    wait = 0.0
    while True:
        try:
            with suppress(Timeout):
                held.acquire(timeout=wait)
                break
        except PermissionError:
            raise InputError(
                f"{lock}: received a file that another user owns; allowed: FOLDVOTE_CACHE=DIR, a folder of your own"
            ) from None
        so_far = f", for {time.monotonic() - began:.0f} s now; Ctrl-C gives up" if wait else ""
        print(f"waiting for another process that {what}{so_far}", flush=True)
        wait = SAY_EVERY
    try:
        yield
    finally:
        held.release()


def held(lock: Path) -> bool:
    """Whether some process holds a lock."""
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


@contextmanager
def alone(lock: Path | str, place: Path) -> Iterator[None]:
    """Hold a lock or raise InputError: one process at a time writes to `place`."""
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{place} is in use by another process; wait until that has ended") from None
    try:
        yield
    finally:
        held.release()
