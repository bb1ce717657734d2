"""Where a node keeps what every run on it may use: decoded photos, features, converted weights."""

import os
from pathlib import Path

from trainable.errors import InputError


def cache_folder() -> Path:
    """$FOLDVOTE_CACHE, or ~/.cache/foldvote; it may be deleted whenever nothing runs."""
    given = os.environ.get("FOLDVOTE_CACHE")
    try:
        return Path(given).absolute() if given else Path.home() / ".cache" / "foldvote"
    except RuntimeError:
        raise InputError("no home folder to keep decoded photos in; allowed: FOLDVOTE_CACHE=DIR, or HOME") from None
