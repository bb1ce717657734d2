"""`python -m trainable.sample OUT [--people N] [--eval-people M] [--seed S] [--workers W]`."""

from __future__ import annotations

import os
import sys

from trainable.command import Parser, check_folder, folder, guarded
from trainable.commands import spoken
from trainable.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 2 the input was wrong."""
    parser = Parser(prog=spoken("sample"), description="Generate a data set.")
    parser.add_argument("out", metavar="OUT", type=folder, help="folder to write, missing or empty")
    parser.add_argument("--people", type=int, default=200, help="people to train on, 7 photos each (default: 200)")
    parser.add_argument("--eval-people", type=int, help="people to predict (default: two thirds of those)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other people (default: 0)")
    parser.add_argument("--workers", type=int, default=_cores(), help="processes (default: the usable cores)")
    options = parser.parse_args(arguments)
    from trainable.sample.write import LEAST, generate

    eval_people = options.eval_people
    if eval_people is None:
        eval_people = max(LEAST, round(2 * options.people / 3))

    def command() -> int:
        check_folder("OUT", options.out)
        try:
            generate(options.out, options.people, eval_people, options.seed, options.workers)
        except ValueError as error:
            raise InputError(str(error)) from None
        return 0

    if code := guarded(command):
        return code
    print(f"{options.people} people to train on and {eval_people} to predict, generated in {options.out}")
    print(f"next: {spoken('search', 'demo', '--data', options.out)}")
    return 0


def _cores() -> int:
    """Cores that this process may use, which containers make fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
