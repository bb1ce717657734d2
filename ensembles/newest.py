"""The run that a command is about when none is given."""

from pathlib import Path

from trainable.errors import InputError
from trainable.run import newest_run


def newest_below(folder: Path = Path("runs")) -> Path:
    """The run below `folder` that was begun last; raises InputError when there is none."""
    found = newest_run(folder)
    if found is None:
        raise InputError(f"no RUN was given, and ./{folder} holds none: name a run directory that search.run wrote")
    return found
