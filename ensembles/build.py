"""The command that votes.

python -m ensembles.build [RUN ...] [--name N] [--method auto] [--metric M] [--size S] [--data DIR]
                          [--skip-broken-members] [--also DIR ...] [--without KIND ...]
"""

import argparse
from pathlib import Path

from ensembles.kinds import KINDS
from ensembles.method_names import METHODS_IN_WORDS
from trainable.command import Parser, add_data, check_runs, guarded, listed, natural, plain_name, whole
from trainable.commands import spoken


def parser() -> argparse.ArgumentParser:
    made = Parser(
        prog=spoken("build"),
        description="Vote the best trials and submit.",
        epilog=f"methods:\n{listed(METHODS_IN_WORDS)}\n\nkinds of members:\n{listed(KINDS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_members(made)
    made.add_argument("--name", type=plain_name, help="name of the ensemble (default: its method, numbered when taken)")
    made.add_argument(
        "--method",
        default="auto",
        help="auto (default: the one that a nested score prefers, or a blend, the mean of those it cannot tell apart), "
        "or one of those below",
    )
    made.add_argument(
        "--all-rows",
        action="store_true",
        help=f"predict with the members' networks of all rows, see {spoken('search', '--retrain')}",
    )
    made.add_argument("--no-persons", action="store_true", help="leave out the test whether grouping photos pays")
    add_data(made, "that of the run")
    return made


def add_members(parser: argparse.ArgumentParser) -> None:
    """Arguments that say which members vote, and under which metric."""
    parser.add_argument(
        "runs", nargs="*", type=Path, metavar="RUN", help="runs on the same data (default: newest in runs)"
    )
    parser.add_argument("--metric", metavar="M", help="vote under this metric (default: that of the runs)")
    parser.add_argument("--size", type=whole, default=50, help="most picks of greedy selection (default: 50)")
    parser.add_argument("--most", type=whole, metavar="N", help="only the N best members may vote (default: all)")
    parser.add_argument("--seed", type=natural, default=0, help="of draws of groups and members (default: 0)")
    parser.add_argument(
        "--skip-broken-members", action="store_true", help="choose without members whose files are broken"
    )
    parser.add_argument(
        "--also",
        action="extend",
        nargs="+",
        type=Path,
        default=[],
        metavar="DIR",
        help="more members: tables oof_NAME and sub_NAME, the image first, then a probability a class",
    )
    parser.add_argument(
        "--without",
        action="extend",
        nargs="+",
        choices=KINDS,
        default=[],
        metavar="KIND",
        help=f"kinds of members that are left out: {', '.join(KINDS)} (foldvote build --help ends with what they are)",
    )


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    return guarded(lambda: _aloud(given), "members that have predicted are kept: the same command goes on")


def _aloud(given: argparse.Namespace) -> int:
    """The command, which says where it does not vote for all that a search will have come to."""
    check_runs(given.runs)
    from ensembles.newest import newest_below
    from trainable.locks import held
    from trainable.run import Run

    places = given.runs or [newest_below()]
    print(f"reading {', '.join(map(str, places))}", flush=True)  # what reads them takes seconds to import
    for place in places:
        if held(Run(place).lock):
            print(
                f"note: the search of {place} goes on; its trials so far vote: build again when it has ended",
                flush=True,
            )
    return command(given)


def command(given: argparse.Namespace) -> int:
    """Exit code of the command; raises InputError."""
    check_runs(given.runs)
    from ensembles.vote import vote  # numba, torch and pandas take seconds to import

    return vote(given)


if __name__ == "__main__":
    raise SystemExit(main())
