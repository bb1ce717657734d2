"""What Ray runs: one job, step by step, in a process of its own."""

import faulthandler
import math
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import torch
from ray.tune import PlacementGroupFactory, Trainable

from search.executors.work import work
from search.jobs import Died, Failed, Job, Message, OneFold
from trainable.device import this_device
from trainable.errors import Lost
from trainable.files import fence
from trainable.run import Run
from trainable.threads import use_threads


@lru_cache(maxsize=1)
def _opened(root: Path) -> Run:
    """Opened once a process: Ray gives the process to one job after another (reuse_actors)."""
    return Run.open(root)


class JobTrainable(Trainable):
    """Each step is an epoch. The driver decides after every step; files are written before.

    config: job, cpus, gpus (its share of a node), threads, workers (processes that prepare batches), hang_minutes.
    """

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> PlacementGroupFactory:
        gpus = {"GPU": config["gpus"]} if config["gpus"] else {}
        return PlacementGroupFactory([{"CPU": config["cpus"], **gpus}])

    def setup(self, config: dict[str, Any]) -> None:
        self._messages: Iterator[Message] | None = None
        self._trace: TextIO | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        return True

    def step(self) -> dict[str, Any]:
        """The next message: an exception travels as one too, so that Ray retries nothing."""
        try:
            if self._messages is None:
                self._messages = self._start()
            self._watch()
            message = next(self._messages)
        except TimeoutError as error:
            message = Failed(str(error))
        finally:
            faulthandler.cancel_dump_traceback_later()
        if isinstance(
            message, Died
        ):  # raised, so that Ray gives this process to no other job: a lost device stays lost
            raise Lost(message.reason)
        return {"message": message, "score": math.nan}

    def cleanup(self) -> None:
        self._messages = None
        if self._trace is not None:
            if not os.fstat(self._trace.fileno()).st_size:  # nothing hung
                Path(self._trace.name).unlink(missing_ok=True)
            self._trace.close()
            self._trace = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @property
    def _job(self) -> Job:
        return self.config["job"]

    def _start(self) -> Iterator[Message]:
        job: Job = self._job
        run = _opened(job.trial.run.root)
        fence(lambda: _refuse_void(run, job))
        _refuse_hung(self._hung(), self.config["hang_minutes"])
        use_threads(self.config["threads"])
        if torch.cuda.is_available():  # a neighbour's memory is not to be had
            torch.cuda.set_per_process_memory_fraction(min(1.0, self.config["gpus"] or 1.0))
        here = type(job)(**{**vars(job), "trial": run.trial(job.trial.id)})
        return work(here, device=this_device(), workers=self.config["workers"])

    def _hung(self) -> Path:
        return self._job.trial.hung(self._job.fold if isinstance(self._job, OneFold) else None)

    def _watch(self) -> None:
        """Python's own watchdog: past the limit it writes the stacks of all threads down and ends the process."""
        if self._trace is None:
            self._hung().parent.mkdir(parents=True, exist_ok=True)
            self._trace = self._hung().open("w")
        faulthandler.dump_traceback_later(self.config["hang_minutes"] * 60, exit=True, file=self._trace)


def _refuse_void(run: Run, job: Job) -> None:
    """Keep a worker from writing that was given up while it lived: a driver was killed, a node was lost for a while."""
    if run.owner.read_text(encoding="utf-8") != job.owner:
        raise RuntimeError(f"{run.root} was taken over by another driver")
    if not job.trial.held_by(job.part, job.claim):
        raise RuntimeError(f"{job.trial.root} was handed to another worker")


def _refuse_hung(trace: Path, minutes: float) -> None:
    """A trial that hung once is not tried again: Ray starts it anew because its process has died."""
    stacks = trace.read_text() if trace.exists() else ""
    if stacks:
        raise TimeoutError(f"{stacks}\nhung: no epoch within {minutes:g} minutes (SEARCH.hang_minutes)")
