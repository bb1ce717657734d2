"""Record one recipe with several seeds in all folds: what somebody has who searches nothing, for benchmarks.anytime.

Run:     python -m benchmarks.record_recipe sample --work DIR      (and: digits, clothing)
Cost:    six trials: a few minutes of one core; clothing half an hour of two. Finished trials are kept in DIR, which may
         be that of benchmarks.record: an interrupted recording goes on when the command is given again
Writes:  benchmarks/results/recipe_<name>.npz
         valid float16 [S, N, C], test float16 [S, M, C] (mean of the fold models), score and seconds float32 [S, K, E],
         config str (JSON of what varies in the table)
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.record import RESULTS, curves, opened, part_of, trained
from benchmarks.record_tables import TABLES
from trainable.files import read_npz, write_compressed_npz

SEEDS = 6


def record(name: str, work: Path) -> None:
    """Train the recipe of a table with SEEDS seeds and keep what they predict."""
    table, (run, test, _) = TABLES[name], opened(name, work)
    config = table.config(table.recipe)
    members = []
    for seed in range(SEEDS):
        member, _ = trained(run, test, replace(config, seed=seed))
        print(f"seed {seed}: {member.trial.result.oof_score:.4f}", flush=True)
        members.append(member)
    trials = [member.trial for member in members]
    answers = [read_npz(part_of(member))["probabilities"].mean(0) for member in members]

    write_compressed_npz(
        RESULTS / f"recipe_{name}.npz",
        **curves(trials),
        valid=np.stack([trial.oof().probabilities for trial in trials]).astype(np.float16),
        test=np.stack(answers).astype(np.float16),
        config=np.array(json.dumps(table.recipe)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record_recipe", description=__doc__)
    parser.add_argument("name", choices=[*TABLES])
    parser.add_argument("--work", type=Path, required=True, help="folder for data and finished trials")
    given = parser.parse_args()
    record(given.name, given.work)


if __name__ == "__main__":
    main()
