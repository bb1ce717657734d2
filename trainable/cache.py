"""Where a node keeps what every run on it may use: decoded photos, features, converted weights."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from trainable.errors import InputError


def cache_folder() -> Path:
    """$FOLDVOTE_CACHE, or ~/.cache/foldvote; it may be deleted whenever nothing runs."""
    given = os.environ.get("FOLDVOTE_CACHE")
    try:
        return Path(given).absolute() if given else Path.home() / ".cache" / "foldvote"
    except RuntimeError:
        raise InputError("no home folder to keep decoded photos in; allowed: FOLDVOTE_CACHE=DIR, or HOME") from None


def state_of(root: Path, names: Iterable[str], about: object) -> str:
    """16 hex digits for `about` and the files below `root` as the file system tells of them, none of them read.

    Sizes, times of content and of entry, and inodes: what a file held is looked at anew once any of these has changed.
    """
    found = hashlib.sha256(repr(about).encode())
    for name in names:
        stat = os.stat(f"{root}/{name}")  # noqa: PTH116  Path.stat takes three times as long, times a million
        times = f"{stat.st_mtime_ns}\0{stat.st_ctime_ns}\0{stat.st_ino}"
        found.update(f"{name}\0{stat.st_size}\0{times}\n".encode())
    return found.hexdigest()[:16]
