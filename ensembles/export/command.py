"""The command that exports.

python -m ensembles.export RUN/ensembles/NAME OUT [--no-onnx]
"""

import argparse
import shlex
from pathlib import Path

from trainable.command import Parser, check_folder, folder, guarded
from trainable.commands import spoken
from trainable.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(
        prog=spoken("export"),
        description="Write an ensemble as a folder that stands alone: of networks, and of heads on one network each "
        "(build --without unexportable makes one).",
    )
    parser.add_argument("ensemble", type=Path, metavar="RUN[/ensembles/NAME]", help="a run for its latest")
    parser.add_argument("out", type=folder, metavar="OUT", help="a new folder")
    parser.add_argument("--no-onnx", action="store_true", help="leave out the ONNX copies")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    from ensembles.beside_votes import not_known
    from ensembles.ensemble import read_ensemble, trained
    from ensembles.export.onnx_copy import check_installed
    from ensembles.export.write import export
    from ensembles.members import broken_members, refuse

    out = given.out.expanduser().absolute()
    if out.exists():
        raise InputError(f"OUT: received {out}, which exists; allowed: a new folder")
    check_folder("OUT", out.parent)
    ensemble = read_ensemble(given.ensemble)
    print(f"ensemble {ensemble.folder.root}", *not_known(ensemble.fitted), sep="\n", flush=True)
    if not given.no_onnx:
        check_installed()
    refuse(broken_members(trained(ensemble, "export")))
    export(ensemble, out, onnx=not given.no_onnx)
    print(f"next: python {shlex.quote(str(out / 'predict.py'))} IMAGES --out CSV")
    return 0
