"""Locks between processes: whoever waits says for what. The system gives a lock free when its holder dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from trainable.errors import InputError


@contextmanager
def waiting_for(lock: Path | str, what: str) -> Iterator[None]:
    """Hold a lock, after whoever has it; `what` they do is said where that takes time."""
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another process that {what}", flush=True)
        held.acquire()
    try:
        yield
    finally:
        held.release()


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
