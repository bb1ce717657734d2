"""What benchmarks of scores share: gains with their error, what differs from a record."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np


def recorder(name: str, text: str | None, out: Path, work: str) -> argparse.ArgumentParser:
    """--work (of `work`, in words), --out and --check; whatever else a benchmark takes is added to it."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=text)
    parser.add_argument("--work", type=Path, help=work)
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--check", action="store_true", help="the figures again from what is recorded")
    return parser


def asked(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was typed; the command ends where neither a check nor a folder to work in is asked for."""
    given = parser.parse_args()
    if given.work is None and not given.check:
        parser.error("--work: received nothing; allowed: a folder, or --check")
    return given


def gain(differences: np.ndarray) -> dict[str, float | None]:
    """The mean of differences float[n], one a seed or data set, and its standard error; None of a single one."""
    error = float(differences.std(ddof=1) / np.sqrt(len(differences))) if len(differences) > 1 else None
    return {"mean": float(differences.mean()), "standard_error": error}


def differ(again: dict[str, Any], held: dict[str, Any]) -> list[str]:
    """The names of figures that were computed anew and are not as they were recorded."""
    return [name for name, value in again.items() if json.dumps(value) != json.dumps(held.get(name))]
