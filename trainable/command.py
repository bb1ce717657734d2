"""What all commands share: where the data lies, and how wrong input is answered."""

import argparse
import errno
import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from trainable import leaving
from trainable.data.flags import Flags, parse_cut, parse_drop, parse_order
from trainable.errors import FULL, InputError, no_run, none_given

HUNG_UP = 128 + signal.SIGPIPE  # the exit code that shells give where the reader of a pipe has gone
LONGEST_NAME = 150  # bytes; disks take 255, and files beside it have longer names
PLACES = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST,
          errno.ELOOP)  # fmt: skip


def default_data() -> Path:
    """$FOLDVOTE_DATA, then ./data."""
    return Path(os.environ.get("FOLDVOTE_DATA") or "data")


def add_data(parser: argparse.ArgumentParser, default: str = "$FOLDVOTE_DATA, then ./data") -> None:
    parser.add_argument(
        "--data",
        type=folder,
        default=None,
        metavar="DIR",
        help=f"data folder (default: {default})",
    )


def check_runs(named: Sequence[Path], folder: Path = Path("runs")) -> None:
    """InputError for what cannot be a run, or where none is named and none lies below `folder`: before slow imports."""
    for place in named:
        if not place.expanduser().is_dir():
            raise no_run(place)
    if not named and not folder.is_dir():
        raise none_given(folder)


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Flags for what is guessed of a data folder otherwise; see docs/your-data.md."""
    own = parser.add_argument_group("the data's columns, where the guess is to be another")
    own.add_argument(
        "--image", metavar="X", help="column of file names or ids (several: C,C), or the folder below which photos lie"
    )
    own.add_argument("--label", metavar="C[,C]", help="column of labels, or columns that the label is a product of")
    own.add_argument("--group", metavar="C", help="column of what belongs together: persons, patients, places")
    own.add_argument("--id", metavar="C", help="column of the ids that a submission has")
    own.add_argument("--fold", metavar="C", help="column of folds as they are to be")
    own.add_argument(
        "--drop",
        metavar="C=V[,V]",
        action="append",
        default=[],
        help="rows that count for nothing, by a column's values; C= for empty cells",
    )
    for name, form, what in (
        ("cut", "C=N[,N]", "where a label column of numbers is cut into classes"),
        ("order", "C=V,V[,V]", "the values of a label column in order, for ordinal heads"),
    ):
        own.add_argument(f"--{name}", metavar=form, action="append", default=[], help=what)
    own.add_argument("--merge-duplicates", action="store_true", help="photos that are copies or alike are of one group")


def flags_of(given: argparse.Namespace) -> Flags:
    """What a command was told of columns, and whether rows without a photo may be left out."""
    return Flags(
        image=given.image,
        label=given.label,
        group=given.group,
        fold=given.fold,
        id=given.id,
        drop=tuple(parse_drop(text) for text in given.drop),
        cuts=tuple(parse_cut(text) for text in given.cut),
        order=tuple(parse_order(text) for text in given.order),
        skip_missing=getattr(given, "skip_bad_images", False),
        merge_duplicates=given.merge_duplicates,
    )


class Parser(argparse.ArgumentParser):
    """Answers a wrong argument with one line instead of the usage and a line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}{self._meant(message)}; see {self.prog} --help\n")

    def _meant(self, message: str) -> str:
        """A data folder is given by itself where a command is about nothing else, and by --data elsewhere."""
        _, of, words = message.partition("unrecognized arguments: ")
        place = next((word for word in words.split() if of and Path(word).is_dir()), None)
        flagged = any("--data" in action.option_strings for action in self._actions)
        if flagged and place is not None:
            return f" (a data folder goes by --data {place})"
        return " (the data folder is given by itself)" if "--data" in words and not flagged else ""


def listed(words: Mapping[str, str]) -> str:
    """Names and what they mean, a line each, as the end of a help text."""
    width = max(map(len, words))
    return "\n".join(f"  {name:{width}}  {meaning}" for name, meaning in words.items())


def guarded(work: Callable[[], int], interrupted: str = "nothing was written") -> int:
    """Exit code of a command: wrong input is 2 and one line, a full disk 1 and one line, Ctrl-C 130 and what it left.

    So are places that cannot be written or read as they are meant, and names that no UTF-8 can hold. Anything else
    keeps its traceback (1). What the terminal has no letters for is printed by its number. SIGTERM, a batch system's
    farewell, ends a command as Ctrl-C does: worker processes and half-written folders go with it.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    leaving.code = 1
    leaving.code = _answered(work, interrupted)
    return leaving.code


def _answered(work: Callable[[], int], interrupted: str) -> int:
    try:
        code = work()
        sys.stdout.flush()
        return code
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except UnicodeEncodeError as error:
        if error.reason != "surrogates not allowed":
            raise
        name = os.fsencode(error.object[error.start - 20 if error.start > 20 else 0 : error.end + 20])
        print(f"error: a file name: received {name!r}; allowed: names in UTF-8 (convmv renames them)", file=sys.stderr)
        return 2
    except BrokenPipeError:
        if _is_heard():
            raise
        return HUNG_UP
    except OSError as error:
        if error.errno in PLACES and error.filename is not None:
            print(f"error: received {error.filename}: {error.strerror}; allowed: a place of that kind", file=sys.stderr)
            return 2
        if error.errno not in FULL:
            raise
        print(f"error: no space left on the disk of {error.filename or 'the output'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted; {interrupted}", file=sys.stderr)
        return 130


def _is_heard() -> bool:
    """Whether somebody still reads what is printed; else (`| head`) the rest of it goes nowhere."""
    pipe, poll = sys.stdout.fileno(), select.poll()
    poll.register(pipe, 0)
    if not poll.poll(0):
        return True
    os.dup2(os.open(os.devnull, os.O_WRONLY), pipe)
    return False


def check_out(table: Path, *beside: Path) -> None:
    """InputError where a command would write a table under another ending than .csv, or over a file that is there."""
    if table.suffix.lower() != ".csv":
        raise InputError(f"--out: received {table}; allowed: a new file that ends in .csv")
    check_folder("--out", table.parent)
    for file in (table, *beside):
        if file.exists():
            raise InputError(f"--out: received {file}, which exists; allowed: a new file")


def check_folder(flag: str, place: Path) -> None:
    """InputError, before any work is done for it, where a folder cannot be made or written."""
    place = place.expanduser().absolute()
    there = next(part for part in (place, *place.parents) if part.exists())
    if not there.is_dir():
        which = "which" if there == place else f"and {there}"
        raise InputError(f"{flag}: received {place}, {which} is a file; allowed: a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{flag}: received {place}, and {there} may not be written; allowed: a folder that may be")


def whole(text: str) -> int:
    """An argparse type: a whole number from 1 on."""
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: a whole number from 1 on")
    return value


def folder(text: str) -> Path:
    """An argparse type: a folder or file of this machine, which the address of a bucket or a page is not."""
    if "://" in text:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: a path on this machine, as of a mounted bucket")
    return Path(text)


def natural(text: str) -> int:
    """An argparse type: a whole number from 0 to 2**31 - 1, such as a seed."""
    value = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= value < 2**31:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: a whole number from 0 to {2**31 - 1}")
    return value


def plain_name(text: str) -> str:
    """An argparse type: the name of a folder, not a path that may leave its place."""
    if len(text.encode(errors="surrogateescape")) > LONGEST_NAME:
        raise argparse.ArgumentTypeError(f"received a name of {len(text)} characters; allowed: {LONGEST_NAME} bytes")
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
