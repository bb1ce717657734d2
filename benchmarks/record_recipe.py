"""Record one recipe with several seeds in all folds: what somebody has who searches nothing, for benchmarks.anytime.

Run:     python -m benchmarks.record_recipe sample --work DIR      (and: digits, clothing)
Cost:    six trials: a few minutes of one core; clothing half an hour of two. Finished trials are kept in DIR, which may
         be that of benchmarks.record: an interrupted recording goes on when the command is given again
Writes:  benchmarks/results/recipe_<name>.npz
         valid float16 [S, N, C], test float16 [S, M, C] (mean of the fold models), score and seconds float32 [S, K, E],
         config str (JSON of what varies in the table)
"""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.record import RESULTS, asked, curves, opened, part_of, train_all
from benchmarks.record_tables import TABLES
from ensembles.members import Member
from trainable.files import read_npz, write_compressed_npz

SEEDS = 6


def record(name: str, work: Path, processes: int) -> None:
    """Train the recipe of a table with SEEDS seeds and keep what they predict."""
    table = TABLES[name]
    configs = [replace(table.config(table.recipe), seed=seed) for seed in range(SEEDS)]
    train_all(name, work, configs, processes)
    run, _, _ = opened(name, work)
    trials = [run.trial(run.identify(config)) for config in configs]
    answers = [read_npz(part_of(Member(trial, math.nan)))["probabilities"].mean(0) for trial in trials]

    write_compressed_npz(
        RESULTS / f"recipe_{name}.npz",
        **curves(name, work, trials, [table.recipe] * SEEDS),
        valid=np.stack([trial.oof().probabilities for trial in trials]).astype(np.float16),
        test=np.stack(answers).astype(np.float16),
        config=np.array(json.dumps(table.recipe)),
    )


if __name__ == "__main__":
    given = asked("record_recipe", __doc__)
    record(given.name, given.work, given.processes)
