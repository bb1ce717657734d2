"""Whole searches of real photos with `--hours`, by the wall clock, beside what one would do by hand in the same time.

Run:     python -m benchmarks.deadline --work DIR [--hours .05 .1 .17 .33] [--check]
Cost:    twice the hours, on two idle cores; a budget that stands in the result file is not done again
What:    search.run spaces/any.py --hours H on photos of clothes, until its last line: seconds, and the macro-F1 of its
         submission on other senders' photos; then lite0 at 128 px, fine-tuned in five folds by a plain loop that is
         given as long
Writes:  benchmarks/results/deadline.json: late_max (seconds over the budget, as a share of the larger of it and 333 s:
         3 % is promised), never_empty, ahead_of_hand (by budget), cells
--check: figures from the cells; what was measured is recorded, not recomputed
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.features_data import Photos
from benchmarks.features_hand import by_hand
from benchmarks.features_search import score_of_submission
from benchmarks.measure import CLOTHING, COLUMNS, commit, machine
from benchmarks.scored import asked, differ, recorder
from trainable.files import read_json, write_json
from trainable.run import Run

OUT = Path(__file__).parent / "results" / "deadline.json"
SPACE = Path(__file__).parents[1] / "spaces" / "any.py"
HOURS = (0.05, 0.1, 0.17, 0.33)
BY_HAND = ("tf_efficientnet_lite0", 128)
LONG = 333.0  # seconds; 3 % of which are the 10 s that a shorter budget may be late by


def within(hours: float, work: Path, photos: Photos) -> dict[str, Any]:
    """One search in a folder and with a cache of its own, so that decoding and features count."""
    shutil.rmtree(work, ignore_errors=True)
    where = ["--data", str(CLOTHING), *COLUMNS, "--out", str(work), "--name", "run"]
    command = [sys.executable, "-m", "search.run", str(SPACE), *where, "--hours", str(hours)]
    started = time.perf_counter()
    code = subprocess.run(command, env={**os.environ, "FOLDVOTE_CACHE": str(work / "cache")}, check=False).returncode
    seconds = time.perf_counter() - started
    built = [ensemble for ensemble in Run(work / "run").ensembles() if ensemble.submission.exists()]
    found = score_of_submission(built[-1].submission, photos) if built else None
    return {"hours": hours, "seconds": round(seconds, 1), "exit_code": code, "score": found}


def figures(cells: list[dict[str, Any]]) -> dict[str, Any]:
    late = [(c["seconds"] - c["hours"] * 3600) / max(c["hours"] * 3600, LONG) for c in cells]
    return {
        "late_max": round(max(late), 4),
        "never_empty": all(c["score"] is not None and c["exit_code"] == 0 for c in cells),
        "ahead_of_hand": {str(c["hours"]): round((c["score"] or 0.0) - c["hand"]["score"], 4) for c in cells},
    }


def main() -> int:
    parser = recorder("deadline", __doc__, OUT, "a folder for the searches")
    parser.add_argument("--hours", type=float, nargs="+", default=HOURS)
    given = asked(parser)
    held = read_json(given.out) if given.out.exists() else {"cells": []}
    if given.check:
        wrong = differ(figures(held["cells"]), held)
        print(f"figures from the cells: {', '.join(wrong) + ' differ' if wrong else 'as recorded'}")
        print("recorded, not recomputed: the searches, and what was done by hand")
        return int(bool(wrong))
    cells, photos = held["cells"], Photos(BY_HAND[1])
    for hours in given.hours:
        if hours not in {cell["hours"] for cell in cells}:
            cell = within(hours, given.work.absolute() / f"{hours:g}", photos)
            print(cell, flush=True)
            cell["hand"] = by_hand(photos, BY_HAND[0], hours * 3600)
            cells = sorted([*cells, cell], key=lambda each: each["hours"])
            write_json(
                given.out,
                {"commit": commit(), "machine": machine(), "seeds": [0], **figures(cells), "cells": cells},
            )
            print(cell, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
