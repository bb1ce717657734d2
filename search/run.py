"""The command that searches.

python -m search.run SPACE [--data DIR] [--out runs] [--name N] [--trials N] [--resume] [--dry-run] ...
python -m search.run SPACE --pseudo RUN/ensembles/NAME [--threshold 0.9] ...      a second round
python -m search.run --retrain RUN TRIAL... [--seeds 3 | --all-rows] ...          chosen trials once more
"""

import argparse
import sys
import time
from pathlib import Path

from search.arguments import parser, refuse_strange, run_folder, same_command
from search.spaces import find_space
from trainable.command import guarded


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    given = parser().parse_args(words)
    return guarded(lambda: command(given, words))


def command(given: argparse.Namespace, words: list[str]) -> int:
    """Exit code of the command; words: as they were typed, to be said again."""
    began = time.monotonic()
    refuse_strange(given)
    given.space = given.space and find_space(given.space)
    folder = Path(given.retrain[0]) if given.retrain else run_folder(given)
    try:
        print(f"run directory {folder.expanduser().absolute()}", flush=True)
        from search.start import start  # torch and Optuna take seconds to import

        return start(given, words, began)
    except KeyboardInterrupt:  # until trials are trained; then the search itself tells
        print(f"\n{_interrupted(folder, words)}", flush=True)
        return 130


def _interrupted(folder: Path, words: list[str]) -> str:
    """What is left of a search whose trials had not begun, or that was just ending, and the command that goes on."""
    from trainable.run import Run

    if not Run(folder).begun:
        return f"interrupted before anything was trained\nnext: {same_command(words)}"
    add = "" if "--retrain" in words else "--resume"
    return f"interrupted; what is finished is kept\nnext: {same_command(words, add=add)}"


if __name__ == "__main__":
    raise SystemExit(main())
