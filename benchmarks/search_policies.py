"""What foldvote is compared with, and foldvote itself, as drivers of simulated workers (search.executors.simulated)."""

import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna

from benchmarks.search_table import Table
from benchmarks.search_world import AllFoldsOf
from search.assemble import assemble
from search.deadline import Deadline
from search.jobs import Job, Message
from search.ledger import Ledger
from search.race import Race
from search.sampler.suggest import Suggester
from search.space import DataFacts, Search
from search.space_file import SpaceFile
from trainable.config import TrialConfig
from trainable.run import Run
from trainable.training.report import Report


class FullCV:
    """Random search without replacement: every trial runs all folds."""

    def __init__(self, table: Table, trials: int, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(table.configs))[:trials]
        self.todo = deque(order.tolist())

    def next_job(self) -> AllFoldsOf | None:
        return AllFoldsOf(self.todo.popleft()) if self.todo else None

    def hear(self, job: AllFoldsOf, report: Report) -> bool:
        return True


class EarlyStoppedCV(FullCV):
    """Bergman, Purucker, Hutter 2024 (forgiving): random search whose trials end when the mean of their folds so far
    is not above the worst fold of the best complete trial.
    """

    def __init__(self, table: Table, trials: int, seed: int) -> None:
        super().__init__(table, trials, seed)
        self.table = table
        self.worst, self.best = -1.0, -1.0

    def hear(self, job: AllFoldsOf, report: Report) -> bool:
        done, inside = divmod(report.step, self.table.epochs)
        if inside:
            return True
        scores = self.table.score[job.row, :done, -1]
        if done == self.table.folds and scores.mean() > self.best:
            self.best, self.worst = scores.mean(), scores.min()
        return bool(scores.mean() > self.worst)


class OneEpoch:
    """Egele 2023: one epoch of every configuration, then all folds of the best, the best first.

    It is not stopped at its K, so that it cannot miss a level for want of budget.
    """

    def __init__(self, table: Table, trials: int, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(table.configs))[:trials]
        self.todo, self.left = deque(order.tolist()), len(order)
        self.seen: dict[int, float] = {}

    def next_job(self) -> AllFoldsOf | None:
        return AllFoldsOf(self.todo.popleft()) if self.todo else None

    def hear(self, job: AllFoldsOf, report: Report) -> bool:
        if job.row not in self.seen:
            self.seen[job.row] = report.score
            if len(self.seen) == self.left:
                self.todo.extend(sorted(self.seen, key=lambda r: -self.seen[r]))
            return False
        return True


class Stock:
    """Ray's own OptunaSearch and ASHAScheduler, the real classes, driven as Tune's controller drives them.

    Their metric is what a careful user would give them: after every epoch of the first fold its score, then after
    every fold the mean so far, on `step` as the time. `trials` are samples: the tuner knows no duplicates.
    """

    def __init__(self, table: Table, trials: int, seed: int, grace: int, first: Sequence[dict[str, Any]] = ()) -> None:
        from ray.tune.schedulers import ASHAScheduler
        from ray.tune.search.optuna import OptunaSearch

        self.table, self.trials = table, trials
        self.search = OptunaSearch(
            lambda trial: {"row": table.row_at(table.suggest(trial))}, "score", "max", list(first) or None, seed=seed
        )
        self.asha = ASHAScheduler("step", "score", "max", max_t=table.full, grace_period=grace)
        self.asked = 0

    def next_job(self) -> AllFoldsOf | None:
        if self.asked >= self.trials:
            return None
        self.asked += 1
        key = str(self.asked)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # on a busy machine, of a suggestion that took a second
            asked = self.search.suggest(key)
        assert asked is not None
        self.asha.on_trial_add(None, SimpleNamespace(trial_id=key))
        return AllFoldsOf(asked["row"], key)

    def hear(self, job: AllFoldsOf, report: Report) -> bool:
        done, inside = divmod(report.step, self.table.epochs)
        if done and inside:
            return True
        value = float(self.table.score[job.row, :done, -1].mean()) if done else report.score
        heard = {"score": value, "step": report.step, "training_iteration": report.step}
        trial = SimpleNamespace(trial_id=job.key)
        if self.asha.on_trial_result(None, trial, heard) == "CONTINUE":
            self.search.on_trial_result(job.key, heard)
            return True
        self.asha.on_trial_complete(None, trial, heard)
        self.search.on_trial_complete(job.key, heard)
        return False


class LastEpochRace(Race):
    """Rungs rank by the epoch that reaches them, as ASHA has it."""

    def _so_far(self, trial: str, step: int) -> float:
        return self.curves[trial][step]


class Ours:
    """The real director, race, suggester and ledger; only the ledger's journal is a study in memory.

    folder: where the director's run lies. parallel: whether idle workers train later folds before their turn. race: how
    rungs rank. deadline: none by default. seen: options of the suggester.
    """

    def __init__(
        self,
        table: Table,
        search: Search,
        folder: Path,
        *,
        parallel: bool = True,
        race: type[Race] = Race,
        deadline: Deadline | None = None,
        **seen: Any,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        space = SpaceFile(Path("grid"), "", search, lambda trial, data: table.grid.space(table.suggest(trial)))
        plain = space.race()
        self.director = assemble(
            Run(folder),
            space,
            Ledger(optuna.create_study(direction="maximize")),
            data=DataFacts(len(table.label), len(table.label), tuple(map(str, range(table.classes))), ()),
            identify=partial(TrialConfig.trial_id, folds_fingerprint="recorded"),
            race=race(**{f.name: getattr(plain, f.name) for f in fields(plain) if f.init}),
            suggester=Suggester(search.sampler, search.seed, search.startup, **seen),
            deadline=deadline,
        )
        for values in search.first:
            self.director.ledger.study.enqueue_trial(values)
        self.director.resume()
        self.next_job = self.director.next_job if parallel else self.director.next_trial

    def hear(self, job: Job, message: Message) -> bool:
        return self.director.hear(job, message)
