"""The exceptions that mean something of their own: the input is wrong, or another attempt may succeed."""

import errno
from difflib import get_close_matches
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT)  # of an OSError: the disk, or what its owner may have of it


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line: what was wrong, what was received, what is allowed. Commands turn it into exit code 2;
    every other exception is a bug or a fault of the machine and keeps its traceback.
    """


class Lost(RuntimeError):
    """A device or a process that a trial needs is gone, through no fault of its configuration: it may be run again.

    The message is one sentence, and a lost process's last words.
    """


def no_run(place: object) -> InputError:
    """The error for what is no run."""
    return InputError(
        f"no run: received {place}; allowed: a run directory, such as runs/demo, as search and train make it"
    )


def none_given(folder: object) -> InputError:
    """The error where no run is named, and none lies below `folder`."""
    return InputError(f"no RUN was given, and ./{folder} holds none: name a run directory, as search makes it")


def unknown(what: str, name: object, known: Any, limit: int = 12) -> InputError:
    """The error for a name that no table has; offers the nearest names first."""
    names = [str(k) for k in known]
    near = get_close_matches(str(name), names, n=5, cutoff=0.5)
    listed = f"nearest: {', '.join(near)}" if near else f"known: {', '.join(names[:limit])}"
    more = "" if near or len(names) <= limit else f", ... ({len(names)} in all)"
    return InputError(f"unknown {what} {name!r}; {listed}{more}")
