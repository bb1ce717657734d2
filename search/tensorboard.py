"""TensorBoard scalars: a folder a trial, written by the driver as reports come in."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from trainable.store import RunPaths

SCALARS = (
    "loss",
    "macro_f1",
    "accuracy",
    "accuracy_mask",
    "accuracy_gender",
    "accuracy_age",
    "lr",
    "images_per_second",
)


@dataclass
class TensorBoard:
    """A watcher (search.director): tags are fold_<k>/<scalar>, steps are epochs of that fold."""

    paths: RunPaths
    score_of: Callable[[str], float]
    writers: dict[str, SummaryWriter] = field(default_factory=dict)

    def began(self, trial_id: str) -> None:
        writer = SummaryWriter(str(self.paths.tensorboard / trial_id), flush_secs=30)
        config = self.paths.trial(trial_id).config
        writer.add_text("config", f"```json\n{config.read_text(encoding='utf-8')}\n```")
        self.writers[trial_id] = writer

    def reported(self, trial_id: str, report: dict[str, Any]) -> None:
        writer, metrics = self.writers[trial_id], report["metrics"]
        for name in SCALARS:
            value = metrics.get(name)
            if value is not None and not math.isnan(value):
                writer.add_scalar(f"fold_{report['fold']}/{name}", value, metrics["epoch"])

    def ended(self, trial_id: str, state: str, reason: str) -> None:
        writer = self.writers.pop(trial_id, None)
        if writer is None:
            return
        writer.add_text("ending", json.dumps({"state": state, "reason": reason}))
        if state == "complete":
            writer.add_scalar("oof_macro_f1", self.score_of(trial_id), 0)
        writer.close()
