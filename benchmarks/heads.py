"""Heads in closed form: 500 of them in five folds, and statistics of more rows than the memory holds.

Run:     python -m benchmarks.heads [--rows N]
Cost:    a minute of two cores, 2 GB
What:    20,000 rows x 768 features x 18 classes, drawn: 500 heads (linear discriminant and ridge, 25 weightings of the
         classes, 10 shrinkages) in 5 folds, every out-of-fold probability computed. Then statistics of N rows (200,000)
         read from a file, to show that memory does not follow the rows: a million takes five times as long.
Prints:  one JSON line: heads_500_s, heads_500_gb (peak of the process), stream_rows, stream_s, stream_gb, and
         stream_gb_of_a_quarter: the same of a quarter of the rows
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.special import softmax

from trainable.features.closed import CLOSED
from trainable.features.moments import Moments
from trainable.features.table import FeatureTable

WIDTH, CLASSES, FOLDS, ROWS = 768, 18, 5, 20_000
SHRINKAGES = np.linspace(0.05, 0.95, 10)
POWERS = np.linspace(0, 1.2, 25)


def draw(file: Path, rows: int) -> None:
    """Features float16 [N, D] written a thousand rows at a time; a row's class is its number modulo C."""
    made = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=(rows, WIDTH))
    means = np.random.default_rng(0).normal(size=(CLASSES, WIDTH))
    for first in range(0, rows, 1000):
        some = np.arange(first, min(first + 1000, rows))
        made[some] = 0.1 * means[some % CLASSES] + np.random.default_rng(first).normal(size=(len(some), WIDTH))
    made.flush()


def moments(file: Path, *, by_class: bool) -> tuple[FeatureTable, np.ndarray, np.ndarray, Moments]:
    block = np.load(file, mmap_mode="r", allow_pickle=False)
    labels, fold = np.arange(len(block)) % CLASSES, np.arange(len(block)) // CLASSES % FOLDS
    table = FeatureTable([block], np.arange(len(block)))
    return table, labels, fold, Moments.of(table, labels, fold, CLASSES, by_class=by_class)


def five_hundred(file: Path) -> dict[str, float]:
    started = time.perf_counter()
    table, labels, fold, sums = moments(file, by_class=True)
    counts = np.bincount(labels) + np.arange(CLASSES)
    right = np.zeros(len(POWERS) * len(SHRINKAGES) * len(CLOSED))
    for k in range(FOLDS):
        heads = []
        for power in POWERS:
            statistics = sums.without(k, weights=counts**-power)
            heads += [fit(statistics, s) for fit in CLOSED.values() for s in SHRINKAGES]
        rows = np.flatnonzero(fold == k)
        values = table.rows(rows)
        for h, head in enumerate(heads):
            right[h] += (softmax(head.logits(values), 1).argmax(1) == labels[rows]).sum()
    assert len(right) == 500 and (right / len(labels) > 0.5).all()
    return {"heads_500_s": time.perf_counter() - started, "heads_500_gb": _peak()}


def stream(file: Path) -> dict[str, float]:
    started = time.perf_counter()
    table, labels, _, sums = moments(file, by_class=False)
    assert sums.counts.sum() == len(table.place)
    return {"stream_rows": len(labels), "stream_s": time.perf_counter() - started, "stream_gb": _peak()}


def quarter(file: Path) -> dict[str, float]:
    return {"stream_gb_of_a_quarter": stream(file)["stream_gb"]}


def _peak() -> float:
    """Memory of this process at its highest that is not pages of a file, in GB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    now = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("RssFile", "VmRSS"))}
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - now["RssFile"]) * 1024 / 1e9


def measured(work: Callable[[Path], dict[str, float]], rows: int) -> dict[str, float]:
    """What a work finds out about so many rows, in a process of its own, which has a peak of its own."""
    with tempfile.TemporaryDirectory() as folder, get_context("spawn").Pool(1) as pool:
        file = Path(folder) / f"{rows}.npy"
        draw(file, rows)
        return {name: round(value, 3) for name, value in pool.apply(work, (file,)).items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    given = parser.parse_args()
    found: dict[str, float] = {}
    for work, rows in ((five_hundred, ROWS), (quarter, given.rows // 4), (stream, given.rows)):
        found |= measured(work, rows)
        print(found, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
