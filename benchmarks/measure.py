"""What all benchmarks of speed share: interleaved medians, the machine, the table, the JSON line."""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainable.files import write_text

NOT_MEASURED = "not measured"
CLOTHING = Path(os.environ.get("FOLDVOTE_CLOTHING", "../shared/data/clothing"))  # real photos, where they are
COLUMNS = ("--group", "sender_id", "--drop", "label=Not sure,Skip,Other")  # as their table has to be read


def interleaved(
    jobs: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[str, list[float]]:
    """Seconds of each job, once a round, in turn and in turn backwards, after a round that does not count.

    CPU seconds of the process by default: other work on the machine then stretches no figure, and images a CPU second
    are images a second a core.
    """
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in list(jobs.items())[:: 1 - 2 * (turn % 2)]:
            start = clock()
            job()
            if turn:
                found[name].append(clock() - start)
    return found


def ratio(above: list[float], below: list[float]) -> float:
    """Median of the ratios round by round: what slows the machine for a while slows both."""
    return float(np.median(np.array(above) / np.array(below)))


def machine() -> dict[str, Any]:
    model = next((x.split(":")[1].strip() for x in _lines("/proc/cpuinfo") if x.startswith("model name")), "")
    return {
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
    }


def commit() -> str:
    """The commit that is checked out; empty outside a checkout."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    return found.stdout.strip()


def arguments(name: str, text: str | None) -> Path:
    """--out, a JSON file or a folder for <name>.json."""
    return _file(name, _parser(name, text).parse_args().out)


def arguments_with_check(name: str, text: str | None) -> tuple[Path, bool]:
    """The same, and --check."""
    parser = _parser(name, text)
    parser.add_argument("--check", action="store_true", help="recompute what was recorded, and measure a part anew")
    given = parser.parse_args()
    return _file(name, given.out), given.check


def _parser(name: str, text: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=(text or "").split("\n")[0])
    default = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=default, metavar="PATH", help="a JSON file, or a folder for one")
    return parser


def _file(name: str, out: Path) -> Path:
    return out if out.suffix == ".json" else out / f"{name}.json"


def finish(out: Path, rows: list[tuple[str, Any, str]], record: dict[str, Any]) -> None:
    """Print a table of (figure, value, target), then the record as one JSON line, which `out` keeps."""
    widths = [max(len(_text(row[i])) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join(_text(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    line = json.dumps({"commit": commit(), **record, "machine": machine()})
    write_text(out, line + "\n")
    print(line)


def rounded(value: float, digits: int = 3) -> float:
    """`digits` significant digits."""
    return float(f"{value:.{digits}g}")


def _text(cell: Any) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
