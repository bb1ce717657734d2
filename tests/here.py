"""Whole commands in this process: `search.run` with everything that is ours, and a loop in Ray's place."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import pytest
import torch

from search.run import main as search
from trainable.run.experiment import open_experiment
from trainable.train import run_trial
from trainable.training.all_rows import train_on_all_rows


class OneSlot:
    """The share of a machine that runs one trial at a time."""

    def slots(self) -> int:
        return 1


def without_ray(patch: pytest.MonkeyPatch, *, steps: int = 10**9) -> None:
    """Trials run one after another; after `steps` epochs the command is interrupted. No pictures, no report."""
    from ensembles import report
    from search.executors import ray_tune as tuner
    from search.watch import tensorboard

    def execute(director: tuner.Conductor, share: OneSlot) -> None:
        left, experiment = steps, open_experiment(director.paths.root)
        train = train_on_all_rows if director.all_rows else run_trial
        while (found := director.next_job()) is not None:
            trial_id, config, _ = found
            for heard in train(config, experiment, device=torch.device("cpu")):
                if heard.step <= director.told(trial_id):
                    continue
                if not left:
                    raise KeyboardInterrupt
                left -= 1
                if not director.report(trial_id, asdict(heard)):
                    break

    patch.setattr(tuner, "connect", lambda address: None)
    patch.setattr(tuner, "disconnect", lambda: None)
    patch.setattr(tuner, "share", lambda cpus, gpus: OneSlot())
    patch.setattr(tuner, "execute", execute)
    patch.setattr(tensorboard, "TensorBoard", partial(tensorboard.TensorBoard, pictures=False))
    patch.setattr(report, "try_report", lambda run: None)


def searched(*arguments: object) -> int:
    """The exit code of `python -m search.run`."""
    return search([str(a) for a in arguments])
