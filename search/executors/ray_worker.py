"""What Ray runs: one trial, step by step, in a process of its own."""

import errno
import faulthandler
import math
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import torch
from ray.tune import Trainable

from trainable.config import TrialConfig
from trainable.files import fence
from trainable.run.experiment import Experiment, open_experiment
from trainable.run.paths import RunPaths, TrialPaths
from trainable.train import Report, run_trial
from trainable.training.all_rows import train_on_all_rows
from trainable.device import use_threads


@lru_cache(maxsize=1)
def _experiment(run: str) -> Experiment:
    """Opened once a process: Ray gives the process to one trial after another (reuse_actors)."""
    return open_experiment(Path(run))


class FoldTrial(Trainable):
    """Each step is an epoch. The driver decides after every step; files are written before.

    config: run (path), trial (its id), config (a TrialConfig as a dict), after (the last step the ledger holds),
    fold (None: all in turn; else this one alone, ahead of its turn), all_rows (train one network on all rows), owner
    (the driver's token), threads, workers, hang_minutes.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self._reports: Iterator[Report] | None = None
        self._trace: TextIO | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        return True

    def step(self) -> dict[str, Any]:
        """A Report as a dict; an exception travels as a report too, so that Ray retries dead processes only."""
        try:
            if self._reports is None:
                self._reports = self._start()
            self._watch()
            report = next(self._reports)
            while report.step <= self.config["after"]:  # told already, by an earlier process
                report = next(self._reports)
            return asdict(report)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return {"fatal": f"the disk of {self.config['run']} is full", "score": math.nan}
            return {"error": traceback.format_exc(), "score": math.nan}
        except Exception:
            return {"error": traceback.format_exc(), "score": math.nan}
        finally:
            faulthandler.cancel_dump_traceback_later()

    def cleanup(self) -> None:
        self._reports = None
        if self._trace is not None:
            self._trace.close()
            self._trace = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _start(self) -> Iterator[Report]:
        given = self.config
        run = RunPaths(Path(given["run"]))
        fence(lambda: _check_owner(run, given["owner"]))
        _refuse_hung(_trial_of(given).hung(given["fold"]), given["hang_minutes"])
        use_threads(given["threads"])
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        config = TrialConfig.from_dict(given["config"])
        experiment, workers = _experiment(given["run"]), given["workers"]
        if given["all_rows"]:
            return train_on_all_rows(config, experiment, device=device, workers=workers)
        return run_trial(config, experiment, device=device, workers=workers, only=given["fold"])

    def _watch(self) -> None:
        """Python's own watchdog: past the limit it writes all stacks to error.txt and ends the process."""
        if self._trace is None:
            path = _trial_of(self.config).hung(self.config["fold"])
            path.parent.mkdir(parents=True, exist_ok=True)
            self._trace = path.open("w")
        faulthandler.dump_traceback_later(self.config["hang_minutes"] * 60, exit=True, file=self._trace)


def _check_owner(run: RunPaths, owner: str) -> None:
    now = run.owner.read_text(encoding="utf-8")
    if now != owner:
        raise RuntimeError(f"{run.root} was taken over by another driver")


def _trial_of(config: dict[str, Any]) -> TrialPaths:
    return RunPaths(Path(config["run"])).trial(config["trial"])


def _refuse_hung(trace: Path, minutes: float) -> None:
    """A trial that hung once is not tried again: Ray starts it anew because its process has died."""
    stacks = trace.read_text() if trace.exists() else ""
    if stacks:
        raise TimeoutError(f"{stacks}\nhung: no epoch within {minutes:g} minutes (SEARCH.hang_minutes)")
