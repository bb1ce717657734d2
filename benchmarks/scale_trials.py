"""Time that the driver itself takes, over a search of 10,000 trials whose scores are made up.

Run:     python -m benchmarks.scale trials
Cost:    about ten minutes of one core
What:    the real director, race, suggester (TPE), journal file, table and leaderboard; trials that take no time

A report that ends a trial costs a second record in the journal and a line on the screen. At first hardly any does:
trials that wait at a rung can be given up only when it holds more than will ever go on. So the curve also has the cost
of reports after which no trial ended, and how many ended a report.
"""

import io
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from rich.console import Console

from benchmarks.measure import rounded
from benchmarks.search_world import finish_trial
from search.assemble import assemble
from search.executors.simulated import Epoch, Simulated
from search.jobs import AllFolds
from search.ledger import Ledger
from search.space import DataFacts, Search
from search.space_file import SpaceFile
from search.watch.leaderboard import Leaderboard
from search.watch.log import Log
from search.watch.table import LiveTable
from search.watch.tally import Tally
from search.watch.vote import Vote
from trainable.config import TrialConfig
from trainable.run import Run, Trial
from trainable.training.report import Report

WORKERS, POINTS = 64, 10
TRIALS = 10_000
REPORT_MS, SUGGEST_MS = 3.0, 250.0  # targets


def space(trial: optuna.Trial, data: DataFacts) -> dict[str, Any]:
    loss = trial.suggest_categorical("loss", ["cross_entropy", "focal"])
    return {
        "model": {"backbone": trial.suggest_categorical("backbone", ["resnet18", "efficientnet_b0", "convnext_tiny"])},
        "augment": {"policy": trial.suggest_categorical("augment", ["none", "light", "strong"])},
        "loss": {"name": loss, **({"gamma": trial.suggest_float("gamma", 0.5, 5.0)} if loss == "focal" else {})},
        "optim": {
            "lr": trial.suggest_float("lr", 1e-5, 1e-2, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        },
    }


class NoVote(Vote):
    """Made-up trials have nothing to vote with; what a vote takes is in benchmarks.ensemble."""

    def add(self, trial: Trial) -> None: ...


class Driver:
    """The real driver in the folder of a run, timed in CPU and in wall seconds; also the world that its trials live in.

    A fold takes 9 epochs, so rungs are at 3, 6 and 9 epochs of the first of 3 folds.
    """

    def __init__(self, folder: Path, trials: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        s = Search(trials=trials, folds=3, epochs=9, grace=3, eta=3)
        self.full = s.folds * s.epochs
        file, run = SpaceFile(Path("scale"), "", s, space), Run(folder)
        race, ledger = file.race(), Ledger.open(run.study)
        log = Log(s, race.expected_epochs(), Tally(self.full, s.epochs, NoVote()), console=Console(file=io.StringIO()))
        table = LiveTable(log, race)
        self.director = assemble(
            run,
            file,
            ledger,
            data=DataFacts(10_000, 1_000, tuple("abc"), ()),
            identify=partial(TrialConfig.trial_id, folds_fingerprint="recorded"),
            race=race,
            watchers=[table, Leaderboard(run, ledger), self],
        )
        table.waiting = self.director.places.waiting
        self.director.resume()
        self.rows: dict[str, int] = {}
        self.over = 0
        self.quality: list[float] = []
        self.reports: list[tuple[int, float, float, int]] = []  # trials so far, CPU and wall seconds, trials ended
        self.suggestions: list[tuple[int, float, float]] = []

    def began(self, trial: Trial) -> None: ...

    def reported(self, trial: Trial, report: Report) -> None: ...

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        self.over += state != "waiting"

    def epochs(self, job: AllFolds) -> Iterator[Epoch]:
        seconds = 1.0 + self.rows[job.trial.id] % 7 / 10
        return ((seconds, partial(self._end, job.trial, step)) for step in range(job.after + 1, self.full + 1))

    def _end(self, trial: Trial, step: int) -> Report:
        fold, epoch = divmod(step - 1, 9)
        noise = np.random.default_rng([self.rows[trial.id], step]).normal() * 0.02
        score = float(self.quality[self.rows[trial.id]] * (1 - 0.5 / (1 + epoch)) + noise)
        if step == self.full:
            finish_trial(trial, score)
        metrics = {"seconds": 1.0, "images_per_second": 1.0}
        return Report(step, fold, score, decides=fold == 0 or epoch == 8, fold_done=epoch == 8, metrics=metrics)

    def next_job(self) -> AllFolds | None:
        start, known = (time.process_time(), time.perf_counter()), len(self.rows)
        job = self.director.next_trial()
        if job is not None and job.trial.id not in self.rows:
            self.suggestions.append((known, *_since(start)))
            if known % 1000 == 0:
                print(f"trial {known}", flush=True)
            self.rows[job.trial.id] = known
            config = job.trial.config
            lr = np.log10(config.optim.lr) + 3.0 + 0.5 * (config.model.backbone == "resnet18")
            self.quality.append(float(0.7 - 0.1 * lr**2 - 0.02 * (config.augment.policy == "none")))
        return job

    def hear(self, job: AllFolds, report: Report) -> bool:
        start, over = (time.process_time(), time.perf_counter()), self.over
        go = self.director.hear(job, report)
        self.reports.append((len(self.rows), *_since(start), self.over - over))
        return go

    def curve(self) -> list[dict[str, float]]:
        """A point every tenth: milliseconds on average, of CPU, and `wall` with the journal's fsync."""
        points = []
        parts = (np.array_split(np.array(times), POINTS) for times in (self.reports, self.suggestions))
        for some, asked in zip(*parts, strict=True):
            means = {
                "report_ms": some[:, 1].mean(),
                "report_wall_ms": some[:, 2].mean(),
                "report_ending_none_ms": some[some[:, 3] == 0, 1].mean(),
                "report_p99_ms": np.percentile(some[:, 1], 99),
                "suggest_ms": asked[:, 1].mean(),
                "suggest_wall_ms": asked[:, 2].mean(),
            }
            ms = {k: rounded(float(v) * 1000) for k, v in means.items()}
            points.append({"trials": int(some[-1, 0]), **ms, "ended_a_report": rounded(float(some[:, 3].mean()))})
        return points


def measure(folder: Path, trials: int) -> dict[str, Any]:
    driver = Driver(folder, trials)
    Simulated(driver, WORKERS).execute(driver)
    driver.director.conclude()
    curve = driver.curve()
    return {
        "trials": len(driver.rows),
        "epochs": len(driver.reports),
        "reports": len(driver.reports),
        "report_ms": rounded(float(np.mean([cpu for _, cpu, _, _ in driver.reports])) * 1000),
        "report_ms_last_over_first": rounded(curve[-1]["report_ms"] / curve[0]["report_ms"]),
        "report_ending_none_last_over_first": rounded(
            curve[-1]["report_ending_none_ms"] / curve[0]["report_ending_none_ms"]
        ),
        "suggest_ms_at_the_end": curve[-1]["suggest_ms"],
        "curve": curve,
    }


def rows(found: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """The table that people read: (figure, value, target)."""
    return [
        ("ms of CPU a report", found["report_ms"], f"at most {REPORT_MS:g}"),
        ("the last tenth's over the first's", found["report_ms_last_over_first"], "about 1"),
        ("the same, reports that end no trial", found["report_ending_none_last_over_first"], "about 1"),
        ("ms of CPU a suggestion at the end", found["suggest_ms_at_the_end"], f"at most {SUGGEST_MS:g}"),
    ]


def _since(start: tuple[float, float]) -> tuple[float, float]:
    return time.process_time() - start[0], time.perf_counter() - start[1]
