"""What foldvote is compared with, and foldvote itself, as policies of the simulator (benchmarks.search_replay)."""

import warnings
from collections import deque
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna

from benchmarks.search_replay import Job
from benchmarks.search_table import Table, place, suggest
from search.director import Director
from search.ledger import Ledger
from search.proposals import Proposals
from search.race import Race
from search.sampler.suggest import Suggester
from search.space import DataFacts, Search
from search.space_file import SpaceFile
from search.watch.vote import Votes
from trainable.files import write_json
from trainable.run.paths import RunPaths


class FullCV:
    """Random search without replacement: every trial runs all folds."""

    def __init__(self, table: Table, trials: int, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(table.configs))[:trials]
        self.todo = deque(order.tolist())

    def next(self) -> Job | None:
        return Job("", self.todo.popleft()) if self.todo else None

    def report(self, job: Job, score: float) -> bool:
        return True


class EarlyStoppedCV(FullCV):
    """Bergman, Purucker, Hutter 2024 (forgiving): random search whose trials end when the mean of their folds so far
    is not above the worst fold of the best complete trial.
    """

    def __init__(self, table: Table, trials: int, seed: int) -> None:
        super().__init__(table, trials, seed)
        self.table = table
        self.worst, self.best = -1.0, -1.0

    def report(self, job: Job, score: float) -> bool:
        done, inside = divmod(job.step, self.table.epochs)
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
        self.todo, self.left = deque(order.tolist()), trials
        self.seen: dict[int, float] = {}

    def next(self) -> Job | None:
        return Job("", self.todo.popleft()) if self.todo else None

    def report(self, job: Job, score: float) -> bool:
        if job.row not in self.seen:
            self.seen[job.row] = score
            if len(self.seen) == self.left:
                self.todo.extend(sorted(self.seen, key=lambda r: -self.seen[r]))
            return False
        return True


class Stock:
    """Ray's own OptunaSearch and ASHAScheduler, the real classes, driven as Tune's controller drives them.

    Their metric is what a careful user would give them: after every epoch of the first fold its score, then after
    every fold the mean so far, on `step` as the time. `trials` are samples: the tuner knows no duplicates.
    """

    def __init__(self, table: Table, trials: int, seed: int, grace: int) -> None:
        from ray.tune.schedulers import ASHAScheduler
        from ray.tune.search.optuna import OptunaSearch

        self.table, self.trials = table, trials
        self.search = OptunaSearch(lambda trial: {"row": table.rows[place(suggest(trial))]}, "score", "max", seed=seed)
        self.asha = ASHAScheduler("step", "score", "max", max_t=table.full, grace_period=grace)
        self.asked = 0

    def next(self) -> Job | None:
        if self.asked >= self.trials:
            return None
        self.asked += 1
        key = str(self.asked)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # on a busy machine, of a suggestion that took a second
            asked = self.search.suggest(key)
        assert asked is not None
        self.asha.on_trial_add(None, SimpleNamespace(trial_id=key))
        return Job(key, asked["row"])

    def report(self, job: Job, score: float) -> bool:
        done, inside = divmod(job.step, self.table.epochs)
        if done and inside:
            return True
        value = float(self.table.score[job.row, :done, -1].mean()) if done else score
        heard = {"score": value, "step": job.step, "training_iteration": job.step}
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

    ahead: whether workers train folds ahead of their turn. race: how rungs rank.
    """

    def __init__(
        self,
        table: Table,
        search: Search,
        folder: Path,
        *,
        ahead: bool = True,
        race: type[Race] = Race,
        **seen: Any,
    ) -> None:
        self.table, self.ahead = table, ahead
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        space = SpaceFile(Path("grid"), "", search, lambda trial, data: as_space(suggest(trial)))
        plain = space.race()
        paths, ledger = RunPaths(folder), Ledger(optuna.create_study(direction="maximize"))
        data = DataFacts(len(table.label), len(table.label), tuple(map(str, range(table.classes))), ())
        suggester = Suggester(search.sampler, search.seed, search.startup, **seen)
        self.director = Director(
            paths=paths,
            search=search,
            ledger=ledger,
            race=race(**{f.name: getattr(plain, f.name) for f in fields(plain) if f.init}),
            proposals=Proposals(paths, space, data, "recorded", ledger, suggester),
            votes=Votes(paths, self.read) if search.objective == "ensemble" else None,
            watchers=[],
        )
        self.director.resume()

    def next(self) -> Job | None:
        found = self.director.next_job() if self.ahead else self.director.next_trial()
        if found is None:
            return None
        key, _, *rest = found
        row = self.table.rows[self.place(key)]
        fold = rest[0] if rest else None
        return Job(key, row, self.director.told(key) if fold is None else fold * self.table.epochs, fold)

    def report(self, job: Job, score: float) -> bool:
        fold, epoch = divmod(job.step - 1, self.table.epochs)
        last = epoch + 1 == self.table.epochs
        trial = self.director.paths.trial(job.key)
        if job.fold is not None:
            if last:
                write_json(trial.fold(fold).result, {"macro_f1": score})
            return self.director.report_ahead(job.key, fold, {"fold_done": last})
        if job.step == self.table.full:
            write_json(trial.result, {"oof_macro_f1": float(self.table.oof[job.row])})
        heard = {"step": job.step, "fold": fold, "score": score, "decides": fold == 0 or last, "fold_done": last}
        return self.director.report(job.key, {**heard, "metrics": {}})

    def read(self, path: Path) -> dict[str, np.ndarray]:
        """A trial's oof.npz, or a fold's valid.npz."""
        paths, fold = self.director.paths, self.table.fold
        trial = next(p for p in path.parents if p.parent == paths.trial("any").root.parent)
        index = np.flatnonzero(fold == 0) if path == paths.trial(trial.name).fold(0).valid else np.arange(len(fold))
        probabilities = self.table.valid[self.table.rows[self.place(trial.name)]]
        return {"index": index, "label": self.table.label[index], "probabilities": probabilities[index]}

    def place(self, key: str) -> tuple[int, ...]:
        return place(suggest(optuna.trial.FixedTrial(self.director.ledger.find(key).params)))


def as_space(values: dict[str, Any]) -> dict[str, Any]:
    """A point of the grid as a space file would return it."""
    return {
        "model": {"backbone": values["backbone"], "pretrained": False},
        "augment": {"policy": values["augment"]},
        "sampler": {"name": "weighted", "power": values["balance"]} if values["balance"] else {"name": "shuffle"},
        "loss": {"name": values["loss"]},
        "optim": {"lr": values["lr"], "weight_decay": 0.05},
    }
