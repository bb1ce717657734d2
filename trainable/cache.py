"""Where a node keeps what every run on it may use: decoded photos, features, converted weights."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$FOLDVOTE_CACHE, or ~/.cache/foldvote; it may be deleted whenever nothing runs."""
    given = os.environ.get("FOLDVOTE_CACHE")
    return Path(given).absolute() if given else Path.home() / ".cache" / "foldvote"
