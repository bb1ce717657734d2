"""What an epoch of each kind of trial costs on this machine's cores, one after another.

For tables whose trials trained at once on a GPU, where most of an epoch is waiting for the others: the scores are those
of the GPU, the seconds those of somebody who has none. Measured ones are kept in the folder, to go on from.
"""

import json
from pathlib import Path

import torch

from benchmarks.grid import Point
from trainable.config import TrialConfig
from trainable.files import read_json, write_json
from trainable.run import Run
from trainable.training.trial import train

EPOCHS = 2  # the last of them counts: the first warms caches


def seconds_of(kind: Point, config: TrialConfig, run: Run, file: Path) -> float:
    """Seconds of an epoch of fold 0 of a trial, trained now unless the file knows it; `kind`: what they depend on."""
    known = read_json(file) if file.exists() else {}
    name = json.dumps(kind)
    if name not in known:
        trial = run.trial(run.identify(config))
        trial.begin(config)
        train(trial, lambda report: report.step < EPOCHS, device=torch.device("cpu"))
        known[name] = trial.fold(0).epochs()[EPOCHS - 1]["seconds"]
        trial.delete_leftovers()
        write_json(file, known)
        print(f"{name} {known[name]:.2f} s", flush=True)
    return float(known[name])
