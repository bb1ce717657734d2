"""Ray Tune: jobs as processes on this machine or a cluster. Its searcher and scheduler only pass messages on."""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

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
from ray.tune.stopper import Stopper

from search.deadline import kind_of
from search.executors.ray_connect import connect
from search.executors.ray_worker import JobTrainable
from search.executors.raylet import RayletDied, WatchesRaylet
from search.jobs import TIME_OVER, Died, Driver, Job
from search.packing import Packing
from trainable.errors import InputError, Lost
from trainable.run import Run
from trainable.training.report import Report

REUSE_ACTORS = True  # one process runs one trial after another, see docs/decisions/020


@dataclass(frozen=True)
class Share:
    """What one trial gets."""

    cpus: float
    gpus: float

    def part(self, count: int) -> Self:
        """What each of so many gets where one had it all."""
        return replace(self, cpus=max(1.0, self.cpus / count // 1), gpus=self.gpus / count)

    @property
    def threads(self) -> int:
        return max(1, int(self.cpus))

    @property
    def workers(self) -> int:
        """Processes that prepare batches: none on CPU, where they would fight the network for the cores."""
        return max(1, int(self.cpus) - 1) if self.gpus else 0


class RayTune:
    """Joins a running cluster, or starts one on this machine, as long as it is entered."""

    in_process = False

    def __init__(self, address: str | None, cpus: float | None, gpus: float | str | None, hang_minutes: float) -> None:
        self.address, self.cpus, self.gpus, self.hang_minutes = address, cpus, gpus, hang_minutes
        self.packing = Packing() if gpus == "auto" else None

    def __enter__(self) -> Self:
        connect(self.address)
        try:
            self.share = share_of(self.cpus, 1.0 if self.gpus == "auto" else self.gpus, ray.nodes())  # type: ignore[arg-type]
        except BaseException:
            ray.shutdown()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()

    def slots(self) -> int:
        """Trials that fit the cluster as it is now, each within one node."""
        share = self.share if self.packing is None else self.share.part(self.packing.widest)
        return max(1, sum(_fits(node["Resources"], share) for node in ray.nodes() if node["Alive"]))

    def share_of(self, job: Job) -> Share:
        """What the worker of a job gets: its part of the GPU, and of the GPU's cores."""
        if self.packing is None:
            return self.share
        return self.share.part(self.packing.together(kind_of(job.trial.config)))

    def has_room(self, shares: Iterable[Share]) -> bool:
        """Whether the GPUs have room for another trial, were it of the kind that needs least."""
        if self.packing is None:
            return True
        return _gpus() - sum(share.gpus for share in shares) >= 1 / self.packing.widest - 1e-9

    def heard(self, job: Job, running: int, report: Report) -> None:
        """Learn from an epoch how many trials share a GPU; running: jobs there are now."""
        if self.packing is not None and "gpu_memory" in report.metrics:
            together = math.ceil(running / max(1.0, _gpus()))
            self.packing.heard(kind_of(job.trial.config), together, report.pace, report.metrics["gpu_memory"])

    def execute(self, driver: Driver, run: Run) -> None:
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(self.slots())
        line = _Line(driver)
        asks = _Asks(line, self)
        # tune.run, not Tuner: the latter pickles its searcher and scheduler, and ours hold open files.
        try:
            tune.run(
                JobTrainable,
                name="trials",
                trial_dirname_creator=lambda trial: trial.trial_id,
                storage_path=str(run.ray),
                metric="score",
                mode="max",
                num_samples=-1,
                search_alg=asks,
                scheduler=_Tells(line, asks),
                callbacks=[WatchesRaylet()],
                stop=_Expires(driver),
                max_failures=0,  # the driver retries: with reuse_actors Ray hands the dead process out again
                reuse_actors=REUSE_ACTORS,
                raise_on_failed_trial=False,
                verbose=0,
            )
        except RayletDied as died:
            driver.aborted = driver.aborted or str(died)
        finally:
            if line.error is not None:
                raise line.error


class _Line:
    """The driver as Ray's callbacks reach it: what it raises would come out of Ray as a TuneError, or not at all."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.jobs: dict[str, Job] = {}  # by Ray's own trial ids
        self.deaths: dict[str, Died] = {}  # of those that could say of what they died
        self.error: BaseException | None = None

    def next_job(self) -> Job | None:
        if self.error is not None:
            return None
        try:
            return self.driver.next_job()
        except BaseException as error:
            self._keep(error)
            return None

    @property
    def finished(self) -> bool:
        return self.error is not None or self.driver.finished

    def hear(self, trial_id: str, message: Any) -> bool:
        if self.error is not None:
            return False
        try:
            return self.driver.hear(self.jobs[trial_id], message)
        except BaseException as error:
            self._keep(error)
            return False

    def _keep(self, error: BaseException) -> None:
        """Ray ends when it next asks; only an interruption goes through it as it is, at once."""
        self.error = error
        if not isinstance(error, Exception):
            raise error


class _Asks(Searcher):
    def __init__(self, line: _Line, executor: RayTune) -> None:
        super().__init__(metric="score", mode="max")
        self.line, self.executor = line, executor
        self.running: dict[str, Share] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        if len(self.running) >= self.executor.slots() or not self.executor.has_room(self.running.values()):
            return None
        job = self.line.next_job()
        if job is None:
            return Searcher.FINISHED if self.line.finished else None
        self.line.jobs[trial_id] = job
        share = self.running[trial_id] = self.executor.share_of(job)
        return {
            "job": job,
            "cpus": share.cpus,
            "gpus": share.gpus,
            "threads": share.threads,
            "workers": share.workers,
            "hang_minutes": self.executor.hang_minutes,
        }

    def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
        self.running.pop(trial_id, None)
        if error:
            self.line.hear(trial_id, self.line.deaths.pop(trial_id, Died()))

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""


class _Expires(Stopper):
    """Ends what is under way when the driver's time is over."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune writes its state down, which nobody reads: the ledger is the state

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        if self.driver.expired:
            self.driver.aborted = self.driver.aborted or TIME_OVER
        return self.driver.expired


class _Tells(FIFOScheduler):
    def __init__(self, line: _Line, asks: _Asks) -> None:
        super().__init__()
        self.line, self.asks = line, asks

    def on_trial_result(self, tune_controller: Any, trial: RayTrial, result: dict[str, Any]) -> str:
        if isinstance(result["message"], Report):
            self.asks.executor.heard(self.line.jobs[trial.trial_id], len(self.asks.running), result["message"])
        go = self.line.hear(trial.trial_id, result["message"])
        return TrialScheduler.CONTINUE if go else TrialScheduler.STOP

    def on_trial_error(self, tune_controller: Any, trial: RayTrial) -> None:
        """Before `on_trial_complete` of the same trial."""
        cause = getattr(trial.get_pickled_error(), "cause", None)
        if isinstance(cause, Lost):
            self.line.deaths[trial.trial_id] = Died(str(cause))


def share_of(cpus: float | None, gpus: float | None, nodes: list[dict[str, Any]]) -> Share:
    """A trial's share: by default one CPU, or one GPU with its part of the node's cores.

    nodes: as ray.nodes() lists them. A trial lies within one node; InputError where none is large enough for it.
    """
    there = [node["Resources"] for node in nodes if node["Alive"]]
    most_gpus = max(node.get("GPU", 0.0) for node in there)
    wanted_gpus = gpus if gpus is not None else float(most_gpus > 0)
    if wanted_gpus > most_gpus:
        raise InputError(
            f"--gpus-per-trial: received {wanted_gpus:g}; allowed: up to {most_gpus:g}, the most that a node has"
        )
    hosts = [node for node in there if node.get("GPU", 0.0) >= wanted_gpus]
    most_cpus = max(node.get("CPU", 0.0) for node in hosts)
    if wanted_gpus:
        parts = [node.get("CPU", 0.0) * wanted_gpus / node["GPU"] // 1 for node in hosts]
        wanted_cpus = cpus or max(1.0, min(parts))
    else:
        wanted_cpus = cpus or 1.0
    if wanted_cpus > most_cpus:
        raise InputError(
            f"--cpus-per-trial: received {wanted_cpus:g}; allowed: up to {most_cpus:g}, the most that a node has"
        )
    return Share(wanted_cpus, wanted_gpus)


def _gpus() -> float:
    """Of the whole cluster as it is now."""
    return sum(node["Resources"].get("GPU", 0.0) for node in ray.nodes() if node["Alive"])


def _fits(node: dict[str, float], share: Share) -> int:
    """Trials that fit a node."""
    fits = [int(node.get("CPU", 0) / share.cpus)]
    if share.gpus:
        fits.append(int(node.get("GPU", 0) / share.gpus))
    return min(fits)
