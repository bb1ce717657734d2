"""Writing so that a crash leaves the old file or the new one, never half of one.

Every file is written beside its place, fsynced and moved there with os.replace. Nothing read here can run code.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

PARTIAL = ".partial"
_fence: list[Callable[[], None]] = []


def fence(check: Callable[[], None]) -> None:
    """From here on every write of this process first calls `check`, which raises when it no longer owns the run.

    After a driver was killed its workers live on for a moment; what they then write must not meet a new driver's.
    """
    _fence[:] = [check]


def write_atomic(path: Path, write: Callable[[Path], object], *, still: Callable[[], bool] = lambda: True) -> None:
    """Call `write` with a path beside `path`, then move the result into place; not if `still` no longer holds then."""
    for check in _fence:
        check()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        write(beside)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        if still():
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def is_partial(name: str) -> bool:
    """Whether a file of this name was being written when its process died."""
    return name.startswith(".") and name.endswith(PARTIAL)


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Weights and states go through here whole: the writers of torch and safetensors hide that a disk is full."""
    write_atomic(path, lambda p: p.write_bytes(content))


def write_text(path: Path, text: str) -> None:
    write_atomic(path, lambda p: p.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON (NaN becomes null), so that every other tool can read it."""
    write_text(path, json.dumps(_finite(value), indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    _write_archive(path, np.savez, arrays)


def write_compressed_npz(path: Path, **arrays: np.ndarray) -> None:
    """The same, smaller and slower: for what is kept in a repository."""
    _write_archive(path, np.savez_compressed, arrays)


def _write_archive(path: Path, save: Callable[..., None], arrays: dict[str, np.ndarray]) -> None:
    def write(beside: Path) -> None:
        with beside.open("wb") as file:
            save(file, **arrays)

    write_atomic(path, write)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def append_json_line(path: Path, value: Any) -> None:
    """Add one line to a log; cut the log to its last whole line before reopening it after a crash."""
    for check in _fence:
        check()
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(_finite(value), allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def write_json_lines(path: Path, values: Iterable[Any]) -> None:
    """A log anew, whole."""
    write_text(path, "".join(json.dumps(_finite(value), allow_nan=False) + "\n" for value in values))


def read_json_lines(path: Path) -> Iterator[Any]:
    """The whole lines of a log; a torn last line is passed over."""
    if path.exists():
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield json.loads(line)


def cut_to_last_line(path: Path) -> int:
    """Drop what a crash left after the last newline; returns how many bytes went."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    keep = content.rfind(b"\n") + 1
    if keep < len(content):
        with path.open("rb+") as file:
            file.truncate(keep)
            os.fsync(file.fileno())
    return len(content) - keep


def digest(path: Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return _finite(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
