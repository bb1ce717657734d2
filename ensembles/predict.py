"""Predict new photos with a built ensemble.

python -m ensembles.predict RUN/ensembles/NAME IMAGES... --out CSV

IMAGES are folders (searched with all below them) or files. Where the data have a sample submission, the CSV has its
form and `NAME.probabilities.csv` lies beside it; else the CSV itself is that table: a row a photo with `path`,
`prediction`, a column `p CLASS` for each class and, where classes are made of attributes, each attribute's answer
(`sort`) and probabilities (`p sort apple`). Photos stand alone here: nothing says which show one person. Only where the
run answers several photos of one thing together, the photos in each folder next below IMAGES are of one.
"""

import argparse
from pathlib import Path

from trainable.command import Parser, folder, guarded
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("predict"), description="Predict new photos with a built ensemble.")
    parser.add_argument("ensemble", type=Path, metavar="RUN[/ensembles/NAME]", help="a run for its latest")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGES", help="folders or files")
    parser.add_argument("--out", type=folder, required=True, metavar="CSV", help="the table to write")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    """Exit code of the command; raises InputError."""
    from ensembles.predict_photos import predict  # torch takes seconds to import

    return predict(given)


if __name__ == "__main__":
    raise SystemExit(main())
