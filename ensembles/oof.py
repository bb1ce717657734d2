"""What a run's trials said out of fold, for other programs: a table a trial, as `ensembles.build --also` reads it.

python -m ensembles.oof RUN --csv DIR

Writes oof_TRIAL.csv (image, fold, a column a class) of every complete trial that predicts all classes, heads that a
build fitted among them, and sub_TRIAL.csv (image, a column a class) of those that voted in an ensemble of the run on
its test photos.
"""

from pathlib import Path

from trainable.command import Parser, check_folder, folder, guarded
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("oof"), description="Write out-of-fold predictions as tables.")
    parser.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument("--csv", type=folder, metavar="DIR", required=True, help="a folder, made where it is missing")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given.run, given.csv))


def command(place: Path, out: Path) -> int:
    """Exit code of the command; raises InputError."""
    from ensembles.oof_tables import write_oof_tables  # pandas takes a second to import

    check_folder("--csv", out)
    write_oof_tables(place, out)
    print(f"for other programs, or beside another run on the same data: {spoken('build', 'RUN', '--also', out)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
