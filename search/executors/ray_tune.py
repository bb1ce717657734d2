"""Ray Tune: where trials run. Its searcher and scheduler only pass on what the director says."""

import logging
import os
from dataclasses import dataclass
from typing import Any, Protocol

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")  # we write our own TensorBoard events
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")  # Ctrl-C reaches us; the ledger needs no farewell
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1000000")  # Ray's own state is never read
os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")  # the table is ours
# Ray gives its workers niceness 15; beside anything else that computes, training would then starve.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray import tune
from ray.tune.experiment import Trial as RayTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from search.director import Director
from search.executors.ray_worker import FoldTrial
from search.space import Search
from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.run.paths import RunPaths

REUSE_ACTORS = True  # one process runs one trial after another, see docs/decisions/020


class Conductor(Protocol):
    """Who hands out trials and takes their reports: search.director.Director, or search.all_rows.AllRows."""

    paths: RunPaths
    search: Search
    owner: str
    all_rows: bool

    @property
    def finished(self) -> bool: ...
    def next_job(self) -> tuple[str, TrialConfig, int | None] | None: ...
    def told(self, trial_id: str) -> int: ...
    def report(self, trial_id: str, report: dict[str, Any]) -> bool: ...
    def died(self, trial_id: str) -> None: ...


@dataclass(frozen=True)
class Share:
    """What one trial gets."""

    cpus: float
    gpus: float

    @property
    def threads(self) -> int:
        return max(1, int(self.cpus))

    @property
    def workers(self) -> int:
        """Processes that prepare batches: none on CPU, where they would fight the network for the cores."""
        return max(1, int(self.cpus) - 1) if self.gpus else 0

    def slots(self) -> int:
        """Trials that fit the cluster as it is now."""
        there = ray.cluster_resources()
        fits = [int(there.get("CPU", 0) / self.cpus)]
        if self.gpus:
            fits.append(int(there.get("GPU", 0) / self.gpus))
        return max(1, min(fits))


def connect(address: str | None) -> None:
    """Join a running cluster, or start one on this machine; nothing listens beyond loopback."""
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address:
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(
                f"--address: received {address!r}, no cluster answers ({error}); allowed: auto, HOST:PORT"
            ) from None
    else:
        # "local", as without an address Ray would join any cluster that this machine's /tmp/ray or RAY_ADDRESS names.
        ray.init("local", include_dashboard=False, object_store_memory=128 * 2**20, **quiet)


def share(cpus: float | None, gpus: float | None) -> Share:
    """A trial's share: by default one CPU, or one GPU with its part of the cores."""
    there = ray.cluster_resources()
    have_gpus, have_cpus = there.get("GPU", 0.0), there.get("CPU", 1.0)
    wanted_gpus = gpus if gpus is not None else float(have_gpus > 0)
    if wanted_gpus > have_gpus:
        raise InputError(
            f"--gpus-per-trial: received {wanted_gpus:g}; allowed: up to {have_gpus:g}, which this cluster has"
        )
    wanted_cpus = cpus or (max(1.0, have_cpus * wanted_gpus / have_gpus // 1) if wanted_gpus else 1.0)
    if wanted_cpus > have_cpus:
        raise InputError(
            f"--cpus-per-trial: received {wanted_cpus:g}; allowed: up to {have_cpus:g}, which this cluster has"
        )
    return Share(wanted_cpus, wanted_gpus)


def execute(director: Conductor, given: Share) -> None:
    """Run the search until the director has no more trials."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(given.slots())
    jobs: dict[str, Job] = {}
    # tune.run, not Tuner: the latter pickles its searcher and scheduler, and ours hold open files.
    tune.run(
        FoldTrial,
        name="trials",
        trial_dirname_creator=lambda trial: trial.trial_id,
        storage_path=str(director.paths.ray),
        metric="score",
        mode="max",
        num_samples=-1,
        resources_per_trial={"cpu": given.cpus, "gpu": given.gpus},
        search_alg=_Asks(director, given, jobs),
        scheduler=_Decides(director, jobs),
        max_failures=0,  # the director retries: with reuse_actors Ray hands the dead process out again
        reuse_actors=REUSE_ACTORS,
        raise_on_failed_trial=False,
        verbose=0,
    )


@dataclass(frozen=True)
class Job:
    """What a Ray trial does: one of our trials, or one fold of it ahead of its turn."""

    trial: str
    fold: int | None = None


class _Asks(Searcher):
    """Ray's trial ids are its own; `jobs` says what is behind them."""

    def __init__(self, director: Conductor, given: Share, jobs: dict[str, Job]) -> None:
        super().__init__(metric="score", mode="max")
        self.director, self.given, self.jobs = director, given, jobs
        self.running: set[str] = set()

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        if len(self.running) >= self.given.slots():
            return None
        director = self.director
        found = director.next_job()
        if found is None:
            return Searcher.FINISHED if director.finished else None
        name, config, fold = found
        job = self.jobs[trial_id] = Job(name, fold)
        self.running.add(trial_id)
        return {
            "run": str(director.paths.root),
            "trial": job.trial,
            "fold": job.fold,
            "owner": director.owner,
            "all_rows": director.all_rows,
            "hang_minutes": director.search.hang_minutes,
            "config": config.to_dict(),
            "after": director.told(job.trial) if job.fold is None else 0,
            "threads": self.given.threads,
            "workers": self.given.workers,
        }

    def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
        self.running.discard(trial_id)
        job = self.jobs[trial_id]
        if error and job.fold is not None:
            assert isinstance(self.director, Director)  # nobody else hands out folds
            self.director.end_ahead(job.trial, job.fold)
        elif error:
            self.director.died(job.trial)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""


class _Decides(FIFOScheduler):
    def __init__(self, director: Conductor, jobs: dict[str, Job]) -> None:
        super().__init__()
        self.director, self.jobs = director, jobs

    def on_trial_result(self, tune_controller: Any, trial: RayTrial, result: dict[str, Any]) -> str:
        job, report = self.jobs[trial.trial_id], _unflatten(result)
        if job.fold is None:
            go = self.director.report(job.trial, report)
        else:
            assert isinstance(self.director, Director)
            go = self.director.report_ahead(job.trial, job.fold, report)
        return TrialScheduler.CONTINUE if go else TrialScheduler.STOP


def _unflatten(result: dict[str, Any]) -> dict[str, Any]:
    """The report inside Ray's flat result (metrics/loss and so on)."""
    report: dict[str, Any] = {
        k: result[k] for k in ("step", "fold", "score", "decides", "fold_done", "error", "fatal") if k in result
    }
    report["metrics"] = {k.removeprefix("metrics/"): v for k, v in result.items() if k.startswith("metrics/")}
    return report


def disconnect() -> None:
    ray.shutdown()
