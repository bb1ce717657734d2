"""What Ray and we cost beside training, and whether processes should be used again (Ray's reuse_actors).

Run:     python -m benchmarks.overhead --data DIR      (a folder that trainable.sample generated, 200 people)
Cost:    one search of the demo's kind, once with and once without, in turn, ROUNDS times: about 10 minutes of two cores
Writes:  benchmarks/results/overhead.json: overhead (share of the workers' time that was not training) and seconds of
         wall time of each, medians
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import machine, rounded
from trainable.files import write_text

RESULT = Path(__file__).parent / "results" / "overhead.json"
ROUNDS = 3
SPACE = """
from dataclasses import replace

from spaces.demo import SEARCH, space

SEARCH = replace(SEARCH, trials=10, folds=3, epochs=6, grace=3, members=2)
"""
SEARCHES = """
import sys

from search import run
from search.executors import ray_tune as tuner

tuner.REUSE_ACTORS = sys.argv.pop(1) == "reuse"
raise SystemExit(run.main())
"""
LINE = re.compile(r"; (\d+) workers? trained (\d+)% of it")


def one_search(data: Path, work: Path, mode: str, turn: int) -> dict[str, float]:
    space = work / "space.py"
    space.write_text(SPACE)
    words = [str(space), "--data", str(data), "--out", str(work), "--name", f"{mode}_{turn}"]
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", SEARCHES, mode, *words], capture_output=True, text=True, check=True)
    found = LINE.search(done.stdout)
    assert found is not None, done.stdout
    workers, percent = map(int, found.groups())
    return {"seconds": time.perf_counter() - began, "workers": workers, "overhead": 1 - percent / 100}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {"reuse": [], "fresh": []}
    with tempfile.TemporaryDirectory() as work:
        for turn in range(ROUNDS):
            for mode in list(found)[:: 1 - 2 * (turn % 2)]:
                found[mode].append(one_search(given.data.absolute(), Path(work), mode, turn))
                print(mode, found[mode][-1], flush=True)
    record: dict[str, Any] = {
        mode: {key: float(np.median([r[key] for r in rounds])) for key in rounds[0]} for mode, rounds in found.items()
    }
    ratios = [f["seconds"] / r["seconds"] for f, r in zip(found["fresh"], found["reuse"], strict=True)]
    record |= {"wall_ratio_fresh_to_reuse": rounded(float(np.median(ratios))), "rounds": ROUNDS, "machine": machine()}
    write_text(given.out, json.dumps(record) + "\n")
    print(json.dumps(record))


if __name__ == "__main__":
    main()
