"""What each kind of member adds to a vote.

python -m ensembles.what_adds [RUN ...] [--also DIR ...] [--without KIND ...] [--metric M] [--size S]

Networks that were trained, heads of the search's first stage, further heads that a build fits for free, tables from
elsewhere: the nested score of `auto` with all of them, and by how much it is ahead of the vote without each kind.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ensembles.build import add_members
from trainable.command import Parser, check_runs, guarded
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(
        prog=spoken("members"),
        description="What each kind of member adds to a vote, further heads too, which it fits as a build does.",
    )
    add_members(parser)
    words = sys.argv[1:] if arguments is None else arguments
    given = parser.parse_args(words)
    return guarded(lambda: command(given, words), "heads that were fitted are kept: the same command goes on")


def command(given: argparse.Namespace, words: Sequence[str]) -> int:
    """Exit code of the command; words: as they were typed, for the build. Raises InputError."""
    check_runs(given.runs)
    from rich.console import Console

    from ensembles.contributions import contributions, harmful  # numba, torch and pandas take seconds to import
    from ensembles.members import gather
    from ensembles.newest import newest_below
    from ensembles.told import table_of_contributions

    runs: list[Path] = given.runs or [newest_below()]
    members = gather(runs, given)
    found = contributions(members, size=given.size, seed=given.seed, most=given.most)
    Console().print(table_of_contributions(found, members.metric))
    asked = [*([] if given.runs else runs), *words]
    for c in (worst := harmful(found)):
        ahead = f"{-c.adds:.4f} ± {c.error:.4f}"
        print(f"without {c.kind} the vote is {ahead} ahead, over a standard error: leave them out")
    print(f"next: {spoken('build', *asked, *(word for c in worst for word in ('--without', c.kind)))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
