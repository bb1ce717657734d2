"""Where a node keeps what every run on it may use: decoded photos, features, converted weights."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from trainable.errors import FULL, InputError


def cache_folder() -> Path:
    """$FOLDVOTE_CACHE, or ~/.cache/foldvote, made where it is missing; it may be deleted whenever nothing runs.

    InputError where there is no such place, or none that may be written.
    """
    given = os.environ.get("FOLDVOTE_CACHE")
    try:
        folder = Path(given).absolute() if given else Path.home() / ".cache" / "foldvote"
    except RuntimeError:
        raise InputError("no home folder to keep decoded photos in; allowed: FOLDVOTE_CACHE=DIR, or HOME") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in FULL:
            raise
        raise InputError(
            f"no place for decoded photos: received {folder}: {error.strerror}; allowed: FOLDVOTE_CACHE=DIR, a folder "
            "that you may write to"
        ) from None
    return folder


def state_of(root: Path, names: Iterable[str], about: object) -> str:
    """16 hex digits for `about` and the files below `root` as the file system tells of them, none of them read.

    Sizes, times of content and of entry, and inodes: what a file held is looked at anew once any of these has changed.
    InputError for a file that is gone.
    """
    found = hashlib.sha256(repr(about).encode())
    try:
        for name in names:
            stat = os.stat(f"{root}/{name}")  # noqa: PTH116  Path.stat takes three times as long, times a million
            times = f"{stat.st_mtime_ns}\0{stat.st_ctime_ns}\0{stat.st_ino}"
            found.update(f"{name}\0{stat.st_size}\0{times}\n".encode())
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"no photo {name} below {root}; allowed: the data as they were, or --data where they lie now"
        ) from None
    return found.hexdigest()[:16]
