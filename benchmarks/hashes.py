"""Out-of-fold hashes of four fixed trials: a change that should not alter numbers prints the same four lines.

Run:     python -m benchmarks.hashes
Cost:    a minute of one core
What:    a plain ResNet; heads with corrections, CutMix and an ordinal age; two stages with EMA, a second optimiser and
         balanced batches; a soup with focal loss and flipped views. On drawn photos, from random weights, 3 folds.
         Every trial is cut off after its second epoch and resumed, so that resuming is held to the same numbers.
Prints:  name, trial id, first 16 digits of the SHA-256 of the probabilities; they depend on the machine's kernels
"""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from trainable.config import TrialConfig
from trainable.run import Run, prepare
from trainable.sample.write import generate
from trainable.training.checkpoints import Saving
from trainable.training.trial import run_trial

SIZE = (64, 48)
BASE: dict[str, Any] = {"input": {"store": SIZE, "size": SIZE}, "epochs": 2, "batch_size": 16, "seed": 3}
TINY = {"backbone": "test_resnet", "pretrained": False}


def configs(corrections: Path) -> dict[str, dict[str, Any]]:
    return {
        "resnet18": {**BASE, "model": {"backbone": "resnet18", "pretrained": False}},
        "heads and corrections": {
            **BASE,
            "model": TINY,
            "head": {"name": "attributes", "ordinal": ["age"]},
            "rows": {"corrections": str(corrections)},
            "optim": {"lr": 3e-3},
            "mix": {"name": "cutmix"},
            "augment": {"policy": "strong"},
        },
        "two stages": {
            **BASE,
            "model": TINY,
            "stage": {"rows": "mask=none", "share": 0.5},
            "optim": {"lr": 3e-3, "ema": 0.9, "second": "sgd"},
            "sampler": {"name": "balanced"},
            "epochs": 4,
        },
        "soup": {
            **BASE,
            "model": TINY,
            "keep": "soup",
            "soup_share": 0.6,
            "optim": {"lr": 3e-3},
            "epochs": 3,
            "loss": {"name": "focal", "class_weights": "power"},
            "tta": "flip",
        },
    }


def hashes(work: Path) -> Iterator[tuple[str, str, str]]:
    """(name, trial id, hash) of each trial, trained below `work`."""
    torch.set_num_threads(1)
    data, corrections, device = work / "data", work / "corrections.csv", torch.device("cpu")
    generate(data, 24, 8, 0, 1)
    people = pd.read_csv(data / "train" / "train.csv", dtype=str)
    other = {"male": "female", "female": "male"}[people["gender"][0]]
    lines = [f"{people['path'][0]},gender,{other}", f"{people['path'][1]},age,61"]
    corrections.write_text("\n".join(["path_or_id,field,value", *lines]) + "\n")
    run = Run(work / "run")
    run.begin(prepare(data, folds=3, seed=0, store_size=SIZE, say=lambda _: None), command=["hashes"], settings={})
    for name, values in configs(corrections).items():
        config = TrialConfig.from_dict(values)
        trial = run.trial(run.identify(config))
        trial.begin(config)
        begun = run_trial(trial, device=device, saving=Saving(every=0))
        next(begun), next(begun)
        begun.close()
        again = Run.open(run.root).trial(trial.id)
        for _ in run_trial(again, device=device):
            pass
        yield name, trial.id, hashlib.sha256(again.oof().probabilities.tobytes()).hexdigest()[:16]


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        for name, trial_id, found in hashes(Path(work)):
            print(f"{name:24} {trial_id} {found}", flush=True)


if __name__ == "__main__":
    main()
