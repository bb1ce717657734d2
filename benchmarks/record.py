"""Record a full factorial table of configurations x folds x epochs, which benchmarks.search replays.

Run:     python -m benchmarks.record sample --work DIR      (and: digits, clothing)
Cost:    144 configurations x 5 folds x 16 epochs, one to two hours of one core each; clothing: 65 of pretrained
         networks x 3 folds x 6 epochs, six hours of two cores or, with --processes 16, five minutes of a large GPU.
         What is finished is kept in DIR, so an interrupted recording goes on when the command is given again
Writes:  benchmarks/results/table_<name>.npz
         score float32 [T, K, E] (of the fold's validation rows after each epoch), seconds float32 [T, K, E],
         valid float16 [T, N, C], test float16 [T, M, C] (mean of the fold models), fold int8[N], label int64[N],
         group str[N], test_label int64[M], configs str[T] (JSON of what varies)
"""

import argparse
import json
import math
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.grid import Point
from benchmarks.record_pace import seconds_of
from benchmarks.record_tables import TABLES
from ensembles.members import Member
from ensembles.predict_members import predict_members
from trainable.config import TrialConfig
from trainable.data.layouts import read_test
from trainable.data.manifest import TestSet
from trainable.device import this_device
from trainable.files import read_npz, write_compressed_npz
from trainable.locks import alone
from trainable.models.weights import resolve_weights
from trainable.run import Run, Trial, prepare
from trainable.training.trial import train

RESULTS = Path(__file__).parent / "results"


@cache
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


def train_all(name: str, work: Path, configs: Sequence[TrialConfig], processes: int) -> None:
    """Train those that are not finished in all folds, keep what they say of the test photos, and tell each OOF score.

    processes: that train at once, on the GPU where there is one.
    """
    run, _, _ = opened(name, work)  # begun here, once
    with alone(run.lock, run.root):  # or another recording would train the same trial in the same files
        if processes == 1:
            for count, score in enumerate(map(partial(_trained, name, work), configs), start=1):
                print(f"{count}/{len(configs)} {score:.4f}", flush=True)
            return
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            jobs = [pool.submit(_trained, name, work, config) for config in configs]
            for count, job in enumerate(as_completed(jobs), start=1):
                print(f"{count}/{len(configs)} {job.result():.4f}", flush=True)


def _trained(name: str, work: Path, config: TrialConfig) -> float:
    run, test, _ = opened(name, work)
    member = Member(run.trial(run.identify(config)), math.nan)
    if not part_of(member).exists():
        member.trial.begin(config)
        train(member.trial, lambda report: True, device=this_device())
        predict_members([member], test, part_of(member).parent)
        member.trial.delete_leftovers()
    return member.trial.result.oof_score


def record(name: str, work: Path, processes: int) -> None:
    table = TABLES[name]
    configs = [table.config(point) for point in table.grid.points]
    # Any prefix of a shuffled order is a fair sample, should the recording be looked at before it is done.
    order = np.random.default_rng(0).permutation(len(configs))
    train_all(name, work, [configs[i] for i in order], processes)
    run, _, truth = opened(name, work)
    collect(name, work, run, truth)


def part_of(member: Member) -> Path:
    """Where `predict_members` keeps what a trial predicts: it then needs its weights no more."""
    return member.run.root / "parts" / f"{member.key}.npz"


def numbered(truth: np.ndarray, classes: list[str]) -> np.ndarray:
    """Classes by number, whether they are named or numbered."""
    return truth if truth.dtype.kind == "i" else np.array([classes.index(name) for name in truth])


def collect(name: str, work: Path, run: Run, truth: np.ndarray) -> None:
    table, classes = TABLES[name], list(run.manifest.classes)
    configs = table.grid.points
    trials = [run.trial(run.identify(table.config(c))) for c in configs]
    oofs = [t.oof() for t in trials]
    numbers = numbered(truth, classes)
    tests = [read_npz(part_of(Member(t, math.nan)))["probabilities"] for t in trials]

    write_compressed_npz(
        RESULTS / f"table_{name}.npz",
        **curves(name, work, trials, configs),
        valid=np.stack([o.probabilities for o in oofs]).astype(np.float16),
        test=np.stack([p.mean(0) for p in tests]).astype(np.float16),
        fold=oofs[0].fold,
        label=oofs[0].label,
        group=run.manifest.frame["group"].to_numpy(str)[oofs[0].index],
        test_label=numbers.astype(np.int64),
        configs=np.array([json.dumps(c) for c in configs]),
    )


def curves(name: str, work: Path, trials: Sequence[Trial], points: Sequence[Point]) -> dict[str, np.ndarray]:
    """score, seconds: float32 [trials, folds, epochs], of complete trials."""
    epochs, table = [[fold.epochs() for fold in trial.folds()] for trial in trials], TABLES[name]
    found = {
        key: np.array([[[m[key] for m in fold] for fold in trial] for trial in epochs], np.float32)
        for key in ("score", "seconds")
    }
    if table.cost:
        kinds = [{key: point[key] for key in table.cost} for point in points]
        run, _, _ = opened(name, work / "pace")
        found["seconds"][:] = [
            [[seconds_of(kind, table.config({**table.recipe, **kind}), run, work / "pace.json")]] for kind in kinds
        ]
    return found


def asked(name: str, description: str | None) -> argparse.Namespace:
    """The arguments of a recording."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("name", choices=[*TABLES])
    parser.add_argument("--work", type=Path, required=True, help="folder for data and finished trials")
    parser.add_argument("--processes", type=int, default=1, help="that train at once (default 1)")
    return parser.parse_args()


if __name__ == "__main__":
    given = asked("record", __doc__)
    record(given.name, given.work, given.processes)
