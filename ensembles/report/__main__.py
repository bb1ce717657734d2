"""python -m ensembles.report [RUN]"""

from pathlib import Path

from ensembles.report.write import write_report
from trainable.command import Parser, guarded
from trainable.errors import InputError
from trainable.run.paths import newest_run


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m ensembles.report", description="Write report.html of a run, also while it goes on.")
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="a run directory (default: newest in runs)")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given.run))


def command(run: Path | None) -> int:
    found = run or newest_run(Path("runs"))
    if found is None:
        raise InputError("no RUN: received none, and ./runs holds none; allowed: a run directory that search.run wrote")
    print(f"run directory {found.expanduser().absolute()}")
    print(f"next: open {write_report(found)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
