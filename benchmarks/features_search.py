"""From the command to a submission by the wall clock, the rest of the search left alone."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.features_data import Photos
from benchmarks.features_heads import score
from benchmarks.measure import CLOTHING, COLUMNS
from trainable.run import Run

SPACE = Path(__file__).parent / "features_space.py"
READY = "a vote can be built from here on"


def first_submission(work: Path, side: int, photos: Photos) -> dict[str, Any]:
    """Seconds until search.run says that a vote can be built, and until ensembles.build has written it; its score.

    Everything is decoded and computed anew, in a cache of its own. The search is interrupted then.
    """
    shutil.rmtree(work, ignore_errors=True)
    run = work / "run"
    cache = {"FOLDVOTE_CACHE": str(work / "cache"), "FOLDVOTE_FEATURES_SIDE": str(side), "PYTHONUNBUFFERED": "1"}
    command = [
        sys.executable,
        "-m",
        "search.run",
        str(SPACE),
        "--data",
        str(CLOTHING),
        *COLUMNS,
        "--out",
        str(work),
        "--name",
        "run",
    ]
    started = time.perf_counter()
    search = subprocess.Popen(command, env={**os.environ, **cache}, stdout=subprocess.PIPE, text=True)
    assert search.stdout is not None
    said: list[str] = []
    for line in search.stdout:
        said.append(line)
        if READY in line:
            break
    else:
        raise RuntimeError(f"{' '.join(command)} ended with {search.wait()}: {''.join(said[-20:])}")
    ready = time.perf_counter() - started
    search.send_signal(signal.SIGINT)
    subprocess.run([sys.executable, "-m", "ensembles.build", str(run)], env={**os.environ, **cache}, check=True)
    written = time.perf_counter() - started
    for _ in search.stdout:
        pass
    search.wait()
    built = Run(run).ensembles()[-1]
    return {
        "first_heads_s": round(ready, 1),
        "first_submission_s": round(written, 1),
        "first_submission_score": score_of_submission(built.submission, photos),
        "first_submission_command": " ".join(["search.run", SPACE.name, *COLUMNS]),
    }


def score_of_submission(file: Path, photos: Photos) -> float:
    """Test macro-F1 of a submission.csv with a label a photo."""
    found = pd.read_csv(file, index_col=0).iloc[:, 0]
    names = pd.read_csv(CLOTHING / "sample_submission.csv")["image"]
    known = {name: number for number, name in enumerate(photos.experiment.manifest.classes)}
    return score(photos.answers, np.eye(len(known))[[known[name] for name in found.loc[names]]])
