"""Submissions against each other, before one of the scarce uploads is spent.

python -m ensembles.compare A.csv B.csv [...]               agreement, score against the others' vote, class counts
python -m ensembles.compare --note SUBMISSION.csv SCORE     note what the leaderboard said, show nested against noted

The vote of the other submissions stands for the answer key; what it scores is no leaderboard score, but a submission
that strays from all others shows.
"""

import argparse
from pathlib import Path

from trainable.command import Parser, folder, guarded
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("compare"), description="Compare submissions with each other.")
    parser.add_argument("files", nargs="*", type=Path, metavar="CSV", help="submissions on the same test set")
    parser.add_argument("--note", nargs=2, metavar=("CSV", "SCORE"), help="note a leaderboard score")
    parser.add_argument("--table", type=folder, metavar="CSV", help="default: submissions.csv beside the runs")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    """Exit code of the command; raises InputError."""
    from ensembles.compare.show import show  # pandas takes a second to import

    return show(given)
