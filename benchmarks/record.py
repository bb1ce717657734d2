"""Record a full factorial table of configurations x folds x epochs, which benchmarks.search replays.

Run:     python -m benchmarks.record sample --work DIR      (and: digits)
Cost:    144 configurations x 5 folds x 16 epochs, one to two hours of one core each; what is finished is kept in DIR,
         so an interrupted recording goes on when the command is given again
Writes:  benchmarks/results/table_<name>.npz
         score float32 [T, K, E] (of the fold's validation rows after each epoch), seconds float32 [T, K, E],
         valid float16 [T, N, C], test float16 [T, M, C] (mean of the fold models), fold int8[N], label int64[N],
         group str[N], test_label int64[M], configs str[T] (JSON of what varies)
"""

import argparse
import itertools
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits

from ensembles.members import Member
from ensembles.predict_members import predict_members
from trainable.config import TrialConfig
from trainable.data.layouts import read_test
from trainable.files import read_npz, write_atomic
from trainable.run import Run, prepare
from trainable.sample.write import generate
from trainable.training.trial import train

RESULTS = Path(__file__).parent / "results"
GRID = {
    "backbone": ("test_efficientnet", "test_resnet", "test_vit"),
    "lr": (3e-4, 1e-3, 3e-3, 1e-2),
    "augment": ("none", "light", "strong"),
    "loss": ("cross_entropy", "focal"),
    "balance": (0.0, 0.75),
}
SIZES = {"sample": ((64, 48), (32, 32)), "digits": ((32, 32), (32, 32))}  # stored and seen, pixels
FOLDS, EPOCHS = 5, 16


def grid() -> list[dict[str, object]]:
    """All combinations, in an order that never changes."""
    return [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]


def config_of(values: dict, name: str) -> TrialConfig:
    stored, seen = SIZES[name]
    return TrialConfig.from_dict(
        {
            "model": {"backbone": values["backbone"], "pretrained": False},
            "input": {"store": stored, "size": seen, "crop": (0.75, 0.75) if name == "sample" else (1.0, 1.0)},
            "augment": {"policy": values["augment"]},
            "sampler": {"name": "weighted", "power": values["balance"]} if values["balance"] else {"name": "shuffle"},
            "loss": {"name": values["loss"]},
            "optim": {"lr": values["lr"], "weight_decay": 0.05},
            "epochs": EPOCHS,
            "batch_size": 64,
        }
    )


def make_data(name: str, folder: Path) -> np.ndarray:
    """Write the data once; returns the true labels int64[M] of its test images."""
    if name == "sample":
        if not folder.exists():
            generate(folder, people=120, eval_people=150, seed=0, workers=1)
        return pd.read_csv(folder / "eval" / "answers.csv")["ans"].to_numpy(np.int64)
    digits = load_digits()
    train, test = np.arange(0, 600), np.arange(600, 1797)
    if not folder.exists():
        folder.mkdir(parents=True)
        for i, image in enumerate(digits.images):
            grey = cv2.resize((image * 255 / 16).astype(np.uint8), (32, 32), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(folder / f"{i}.png"), grey)
        # Neighbours in this data set were written by the same hand: blocks of 10 are the groups.
        rows = {"path": [f"{i}.png" for i in train], "label": digits.target[train], "group": train // 10}
        pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
        pd.DataFrame({"path": [f"{i}.png" for i in test]}).to_csv(folder / "test.csv", index=False)
    return digits.target[test].astype(np.int64)


def record(name: str, work: Path) -> None:
    torch.set_num_threads(1)
    truth = make_data(name, work / f"data_{name}")
    run = Run(work / f"run_{name}")
    if not run.begun:
        experiment = prepare(work / f"data_{name}", folds=FOLDS, seed=0, store_size=SIZES[name][0])
        settings = {"folds": FOLDS, "epochs": EPOCHS}
        run.begin(experiment, command=["benchmarks.record", name], settings=settings)
    test = read_test(run.manifest.root, run.manifest.classes)
    assert test is not None
    configs = grid()
    # Any prefix of a shuffled order is a fair sample, should the recording be looked at before it is done.
    for count, i in enumerate(np.random.default_rng(0).permutation(len(configs)), start=1):
        config = config_of(configs[i], name)
        member = Member(run.trial(run.identify(config)), math.nan)
        if part_of(member).exists():
            continue
        member.trial.begin(config)
        result = train(member.trial, lambda report: True, device=torch.device("cpu"))
        assert result is not None
        predict_members([member], test, part_of(member).parent)
        member.trial.delete_leftovers()
        print(f"{count}/{len(configs)} {json.dumps(configs[i])} {result.oof_score:.4f}", flush=True)
    collect(name, run, truth)


def part_of(member: Member) -> Path:
    """Where `predict_members` keeps what a trial predicts: it then needs its weights no more."""
    return member.run.root / "parts" / f"{member.key}.npz"


def collect(name: str, run: Run, truth: np.ndarray) -> None:
    configs = grid()
    trials = [run.trial(run.identify(config_of(c, name))) for c in configs]
    oofs = [t.oof() for t in trials]
    epochs = [[t.fold(k).epochs() for k in range(FOLDS)] for t in trials]
    tests = [read_npz(part_of(Member(t, math.nan)))["probabilities"] for t in trials]

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                score=np.array([[[m["score"] for m in f] for f in t] for t in epochs], np.float32),
                seconds=np.array([[[m["seconds"] for m in f] for f in t] for t in epochs], np.float32),
                valid=np.stack([o.probabilities for o in oofs]).astype(np.float16),
                test=np.stack([p.mean(0) for p in tests]).astype(np.float16),
                fold=oofs[0].fold,
                label=oofs[0].label,
                group=run.manifest.frame["group"].to_numpy(str)[oofs[0].index],
                test_label=truth,
                configs=np.array([json.dumps(c) for c in configs]),
            )

    write_atomic(RESULTS / f"table_{name}.npz", write)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record", description=__doc__)
    parser.add_argument("name", choices=("sample", "digits"))
    parser.add_argument("--work", type=Path, required=True, help="folder for data and finished trials")
    given = parser.parse_args()
    record(given.name, given.work)


if __name__ == "__main__":
    main()
