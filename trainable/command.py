"""What all commands share: where the data lies, and how wrong input is answered."""

import argparse
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from trainable.errors import InputError


def default_data() -> Path:
    """$FOLDVOTE_DATA, then ./data."""
    return Path(os.environ.get("FOLDVOTE_DATA") or "data")


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=None,
        metavar="DIR",
        help="data folder (default: $FOLDVOTE_DATA, then ./data)",
    )


class Parser(argparse.ArgumentParser):
    """Answers a wrong argument with one line instead of the usage and a line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def guarded(work: Callable[[], int]) -> int:
    """Exit code of a command: wrong input is 2 and one line, a full disk 1 and one line, Ctrl-C 130.

    Anything else keeps its traceback (1).
    """
    try:
        return work()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"error: no space left on the disk of {error.filename or 'the output'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what is finished is kept", file=sys.stderr)
        return 130


def whole(text: str) -> int:
    """An argparse type: a whole number from 1 on."""
    value = int(text) if text.lstrip("-").isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: a whole number from 1 on")
    return value


def plain_name(text: str) -> str:
    """An argparse type: the name of a folder, not a path that may leave its place."""
    if text in ("", ".", "..") or "/" in text or "\\" in text or "\0" in text:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: a plain folder name")
    return text


def positive(text: str) -> float:
    """An argparse type: a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: a number above 0")
    return value
