"""python -m ensembles.report [RUN]"""

import shlex
from pathlib import Path

from trainable.command import Parser, check_runs, guarded
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("report"), description="Write report.html of a run, also while it goes on.")
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="a run directory (default: newest in runs)")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given.run))


def command(given: Path | None) -> int:
    check_runs([given] if given else [])
    from ensembles.newest import newest_below
    from ensembles.report.write import write_report
    from trainable.data.layouts.finish import alone_said
    from trainable.run import Run

    root = given or newest_below()
    print(f"run directory {root.expanduser().absolute()}")
    for line in alone_said(Run.open(root).manifest):
        print(line)
    print(f"next: open {shlex.quote(str(write_report(root)))}")
    return 0
