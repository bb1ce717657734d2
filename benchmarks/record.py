"""Record a full factorial table of configurations x folds x epochs, which benchmarks.search replays.

Run:     python -m benchmarks.record sample --work DIR      (and: digits, clothing)
Cost:    144 configurations x 5 folds x 16 epochs, one to two hours of one core each; clothing: 65 of pretrained
         networks x 3 folds x 6 epochs, six hours of two cores. What is finished is kept in DIR, so an interrupted
         recording goes on when the command is given again
Writes:  benchmarks/results/table_<name>.npz
         score float32 [T, K, E] (of the fold's validation rows after each epoch), seconds float32 [T, K, E],
         valid float16 [T, N, C], test float16 [T, M, C] (mean of the fold models), fold int8[N], label int64[N],
         group str[N], test_label int64[M], configs str[T] (JSON of what varies)
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.record_tables import TABLES
from ensembles.members import Member
from ensembles.predict_members import predict_members
from trainable.config import TrialConfig
from trainable.data.layouts import read_test
from trainable.data.manifest import TestSet
from trainable.files import read_npz, write_compressed_npz
from trainable.models.weights import resolve_weights
from trainable.run import Run, Trial, prepare
from trainable.training.trial import train

RESULTS = Path(__file__).parent / "results"


def opened(name: str, work: Path) -> tuple[Run, TestSet, np.ndarray]:
    """The run of a recording below `work`, begun or gone on with, its test photos, and what those truly are."""
    table = TABLES[name]
    torch.set_num_threads(table.threads)
    data, truth = table.data(work / f"data_{name}")
    run = Run(work / f"run_{name}")
    if not run.begun:
        weights = resolve_weights(list(table.backbones), None)
        experiment = prepare(
            data, folds=table.folds, seed=0, store_size=table.stored, flags=table.flags, weights=weights
        )
        settings = {"folds": table.folds, "epochs": table.epochs}
        run.begin(experiment, command=["benchmarks.record", name], settings=settings)
    test = read_test(run.manifest.root, run.manifest.classes, table.flags)
    assert test is not None
    return run, test, truth


def trained(run: Run, test: TestSet, config: TrialConfig) -> tuple[Member, bool]:
    """A trial in all folds with its test predictions; whether that was there already."""
    member = Member(run.trial(run.identify(config)), math.nan)
    if part_of(member).exists():
        return member, True
    member.trial.begin(config)
    result = train(member.trial, lambda report: True, device=torch.device("cpu"))
    assert result is not None
    predict_members([member], test, part_of(member).parent)
    member.trial.delete_leftovers()
    return member, False


def record(name: str, work: Path) -> None:
    table, (run, test, truth) = TABLES[name], opened(name, work)
    configs = table.grid.points
    # Any prefix of a shuffled order is a fair sample, should the recording be looked at before it is done.
    for count, i in enumerate(np.random.default_rng(0).permutation(len(configs)), start=1):
        member, there = trained(run, test, table.config(configs[i]))
        if not there:
            print(f"{count}/{len(configs)} {json.dumps(configs[i])} {member.trial.result.oof_score:.4f}", flush=True)
    collect(name, run, truth)


def part_of(member: Member) -> Path:
    """Where `predict_members` keeps what a trial predicts: it then needs its weights no more."""
    return member.run.root / "parts" / f"{member.key}.npz"


def numbered(truth: np.ndarray, classes: list[str]) -> np.ndarray:
    """Classes by number, whether they are named or numbered."""
    return truth if truth.dtype.kind == "i" else np.array([classes.index(name) for name in truth])


def collect(name: str, run: Run, truth: np.ndarray) -> None:
    table, classes = TABLES[name], list(run.manifest.classes)
    configs = table.grid.points
    trials = [run.trial(run.identify(table.config(c))) for c in configs]
    oofs = [t.oof() for t in trials]
    numbers = numbered(truth, classes)
    tests = [read_npz(part_of(Member(t, math.nan)))["probabilities"] for t in trials]

    write_compressed_npz(
        RESULTS / f"table_{name}.npz",
        **curves(trials),
        valid=np.stack([o.probabilities for o in oofs]).astype(np.float16),
        test=np.stack([p.mean(0) for p in tests]).astype(np.float16),
        fold=oofs[0].fold,
        label=oofs[0].label,
        group=run.manifest.frame["group"].to_numpy(str)[oofs[0].index],
        test_label=numbers.astype(np.int64),
        configs=np.array([json.dumps(c) for c in configs]),
    )


def curves(trials: Sequence[Trial]) -> dict[str, np.ndarray]:
    """score, seconds: float32 [trials, folds, epochs], of complete trials."""
    epochs = [[fold.epochs() for fold in trial.folds()] for trial in trials]
    return {
        name: np.array([[[m[name] for m in fold] for fold in trial] for trial in epochs], np.float32)
        for name in ("score", "seconds")
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record", description=__doc__)
    parser.add_argument("name", choices=[*TABLES])
    parser.add_argument("--work", type=Path, required=True, help="folder for data and finished trials")
    given = parser.parse_args()
    record(given.name, given.work)


if __name__ == "__main__":
    main()
