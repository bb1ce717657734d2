"""Weights & Biases: a group a search, a run a trial. WANDB_MODE=offline keeps all in the run directory."""

import os
from collections.abc import Mapping
from typing import Any

import wandb

from trainable.errors import InputError
from trainable.run import Run


class WandB:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.project = os.environ.get("WANDB_PROJECT", "foldvote")
        self.runs: dict[str, wandb.Run] = {}  # open until the trial has ended: one that waits would not go on offline
        offline = os.environ.get("WANDB_MODE") in ("offline", "disabled")
        if not offline and not wandb.login(prompt=False, verify=False):
            raise InputError("--log wandb: received no API key; allowed: wandb login first, or WANDB_MODE=offline")
        self.where = f"W&B project {self.project}, group {run.name}"

    def begin(self, trial_id: str, parameters: Mapping[str, Any]) -> None:
        if trial_id not in self.runs:
            self.runs[trial_id] = wandb.init(
                project=self.project,
                group=self.run.name,
                id=f"{trial_id}-{self.run.born:x}",
                name=trial_id,
                config=dict(parameters),
                dir=self.run.root,
                resume="allow",
                reinit="create_new",
                settings=wandb.Settings(silent=True, console="off", disable_git=True, save_code=False),
            )

    def log(self, trial_id: str, step: int, values: Mapping[str, float]) -> None:
        self.runs[trial_id].log(dict(values), step=step)

    def end(self, trial_id: str, state: str, reason: str, score: float | None) -> None:
        run = self.runs[trial_id]
        run.summary.update({"state": state, "reason": reason, **({} if score is None else {"oof_score": score})})
        if state != "waiting":
            self.runs.pop(trial_id).finish(exit_code=int(state == "failed"))

    def close(self) -> None:
        """What waits or runs is taken up again under the same id."""
        for trial_id in list(self.runs):
            self.runs.pop(trial_id).finish()
