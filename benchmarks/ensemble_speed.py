"""What greedy selection takes: seconds, growth and memory; a part of benchmarks.ensemble.

Compared with: AutoGluon's EnsembleSelection as published (core/models/greedy_ensemble/ensemble_selection.py),
written anew below: a running mean, and for every candidate of every step an averaged, renormalised table and
scikit-learn's macro-F1. Its time for all steps is that of its first STEPS times (size / STEPS): every step does
the same work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from benchmarks.ensemble_problems import Problem, Spec
from benchmarks.measure import interleaved
from ensembles.greedy import greedy_selection

ROOT = Path(__file__).resolve().parent.parent
MEMBERS, ROWS, SIZE, STEPS = 500, 18_900, 50, 10
LOOP_MEMBERS, LOOP_PICKS = 60, 30


def autogluon_selection(predictions: list[NDArray[Any]], labels: NDArray[np.int64], steps: int) -> list[int]:
    """Picks of AutoGluon's algorithm; ties to members already used, as there, then to the lowest index (there random).

    Its rounding of scores to six decimals after the first pick is left out: it would tie what differs.
    """
    path: list[int] = []
    mean, candidate = np.zeros(predictions[0].shape), np.zeros(predictions[0].shape)
    for done in range(steps):
        if done:
            mean *= (done - 1) / done
            mean += predictions[path[-1]] / done
        scores = np.zeros(len(predictions))
        for j, prediction in enumerate(predictions):
            candidate[:] = mean * (done / (done + 1)) + prediction / (done + 1)
            candidate /= candidate.sum(axis=1)[:, None]
            scores[j] = f1_score(labels, candidate.argmax(axis=1), average="macro")
        best = np.flatnonzero(np.isclose(scores, scores.max(), atol=0, rtol=1e-12)).tolist()
        path.append(next((j for j in best if j in path), best[0]))
    return path


def speed() -> dict[str, Any]:
    """Greedy at T 500 against AutoGluon's algorithm with the same picks, then at T 100 to 1,000, then its memory."""
    data = Problem(Spec(1000, ROWS, 0.85, True, 0.12, seed=1)).rows(ROWS, seed=0)
    greedy_selection(data.probabilities[:2], data.labels, 2)  # compiled, or read from the cache
    seconds = {t: min(_timed(data.probabilities[:t], data.labels) for _ in range(5)) for t in (100, 200, 500, 1000)}
    print("greedy, seconds by T:", seconds, flush=True)
    path = greedy_selection(data.probabilities[:MEMBERS], data.labels, SIZE).path
    wide = list(data.probabilities[:MEMBERS].astype(np.float64))
    start = time.perf_counter()
    theirs = autogluon_selection(wide, data.labels, STEPS)
    their_seconds = (time.perf_counter() - start) * SIZE / STEPS
    del wide
    few = data.probabilities[:20, :4900]
    ours_small = greedy_selection(few, data.labels[:4900], SIZE).path
    theirs_small = autogluon_selection(list(few.astype(np.float64)), data.labels[:4900], SIZE)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "labels.npz", labels=data.labels)
        np.save(Path(folder) / "table.npy", data.probabilities[:MEMBERS])
        del data, few
        line = subprocess.check_output([sys.executable, "-m", "benchmarks.ensemble", "--memory", folder], cwd=ROOT)
    result = {
        "greedy_seconds": seconds[MEMBERS],
        "autogluon_seconds": their_seconds,
        "autogluon_measured": f"{STEPS} of {SIZE} steps timed, all {MEMBERS} candidates each, x {SIZE // STEPS}",
        "greedy_speedup_vs_autogluon": their_seconds / seconds[MEMBERS],
        "same_picks": theirs == path[:STEPS] and theirs_small[: len(ours_small)] == ours_small,
        "picks_compared": [min(STEPS, len(path)), len(ours_small)],
        "seconds_by_t": seconds,
        "growth_100_to_1000": seconds[1000] / seconds[100],
        "peak_memory_ratio": float(line.splitlines()[-1]),
    }
    print(result, flush=True)
    return result


def against_a_loop() -> dict[str, Any]:
    """Greedy against the loop that everybody writes first; of that, the calls for the picks that greedy made."""
    data = Problem(Spec(LOOP_MEMBERS, ROWS, 0.85, True, 0.12, seed=1)).rows(ROWS, seed=0)
    table, labels = data.probabilities, data.labels
    path = greedy_selection(table, labels, LOOP_PICKS).path

    def ours() -> None:
        greedy_selection(table, labels, LOOP_PICKS)

    def loop() -> None:
        total = np.zeros(table.shape[1:])
        for done in range(LOOP_PICKS):
            for member in table:
                f1_score(labels, (total + member).argmax(axis=1), average="macro")
            total += table[path[min(done, len(path) - 1)]]

    seconds = interleaved({"ours": ours, "loop": loop}, 5)
    best = {name: min(times) for name, times in seconds.items()}
    return {
        "loop_seconds": best["loop"],
        "loop_greedy_seconds": best["ours"],
        "greedy_speedup_vs_f1_score": best["loop"] / best["ours"],
        "loop_load": os.getloadavg()[0],
    }


def _timed(table: NDArray[Any], labels: NDArray[np.int64]) -> float:
    start = time.perf_counter()
    greedy_selection(table, labels, SIZE)
    return time.perf_counter() - start


def memory_ratio(folder: Path) -> float:
    """Peak of the resident memory beyond an idle process, over the input's bytes; in a process of its own."""
    with np.load(folder / "labels.npz") as file:
        labels = file["labels"]
    greedy_selection(np.full((2, 3, 2), 0.5, np.float32), np.array([0, 1, 0]), 2)
    idle = _peak_bytes()
    table = np.load(folder / "table.npy")
    greedy_selection(table, labels, SIZE)
    return (_peak_bytes() - idle) / table.nbytes


def _peak_bytes() -> int:
    """Largest resident size of this process so far; getrusage's would start at that of the process it came from."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
