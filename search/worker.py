"""What Ray runs: one trial, step by step, in a process of its own."""

import traceback
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from ray.tune import Trainable

from trainable.config import TrialConfig
from trainable.experiment import Experiment, open_experiment
from trainable.train import Report, run_trial


@lru_cache(maxsize=1)
def _experiment(run: str) -> Experiment:
    """Opened once a process: Ray gives the process to one trial after another (reuse_actors)."""
    return open_experiment(Path(run))


class FoldTrial(Trainable):
    """Each step is an epoch. The driver decides after every step; files are written before."""

    def setup(self, config: dict[str, Any]) -> None:
        self._reports: Iterator[Report] | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        return True

    def step(self) -> dict[str, Any]:
        """A Report as a dict; an exception travels as a report too, so that Ray retries dead processes only."""
        try:
            if self._reports is None:
                self._reports = self._start(self.config)
            return asdict(next(self._reports))
        except Exception:
            return {"error": traceback.format_exc(), "score": float("nan")}

    def cleanup(self) -> None:
        self._reports = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _start(self, given: dict[str, Any]) -> Iterator[Report]:
        torch.set_num_threads(given["threads"])
        config = TrialConfig.from_dict(given["config"])
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return run_trial(config, _experiment(given["run"]), device=device, workers=given["workers"])
