"""The watcher that writes events: scalars at once, pictures by a thread of their own, so that no trial waits."""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from optuna.distributions import BaseDistribution
from torch.utils.tensorboard import SummaryWriter

from search.watch.aside import Aside
from search.watch.scalars import scalars
from search.watch.tensorboard import hparams
from search.watch.tensorboard.gallery import Gallery
from search.watch.tensorboard.names import f1_tag, scalar_tag, trial_name
from search.watch.tensorboard.nodes import NodeLoad
from search.watch.tensorboard.summaries import add_summary
from trainable.metrics import f1_per_class
from trainable.pictures.charts import SHOWN_CLASSES
from trainable.run import Run, Trial
from trainable.training.report import Report

FEW = 5.0  # seconds that the end of a search with a deadline waits for pictures: it counts them


@dataclass
class TensorBoard:
    """A watcher: tags are curves/fold_<k>/<scalar> and the like, see names; steps are epochs of that fold.

    parameters_of: a trial's parameters as plain values, by its id. number_of: its number, from 1. parameters: what may
    vary in the space, see known_parameters. waits: make pictures at once, while no trial trains: where trials train in
    this very process a thread that builds networks would take random numbers from theirs. farewell: seconds that the
    end waits for pictures.
    """

    run: Run
    parameters_of: Callable[[str], Mapping[str, Any]] = lambda trial_id: {}
    number_of: Callable[[str], int] = lambda trial_id: 1
    parameters: Mapping[str, BaseDistribution] = field(default_factory=dict)
    waits: bool = False
    farewell: float = FEW
    pictures: bool = True
    writers: dict[str, SummaryWriter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gallery = Gallery(self.run)
        self.aside = Aside("TensorBoard", self.farewell)
        self.nodes: NodeLoad | None = None
        self.problems = 0

    def __enter__(self) -> Self:
        writer = self._writer("search")
        add_summary(writer, hparams.experiment(self.parameters))
        self.nodes = NodeLoad(lambda node: self._writer(f"node_{node}"))
        self.nodes.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish pictures, for `farewell` at most; of an interrupted search none is begun any more."""
        if self.nodes is not None:
            self.nodes.stop()
        self.aside.end(drop=kind is not None)
        for writer in self.writers.values():
            writer.close()
        self.writers.clear()

    def began(self, trial: Trial) -> None:
        fresh = self.run.events(trial.id) is None
        writer = self._trial_writer(trial)
        name = f"{self.number_of(trial.id):03} {trial.id}"
        add_summary(writer, hparams.start(name, self.parameters_of(trial.id)))
        if fresh:  # a waiting trial that goes on has told already
            writer.add_text("config", f"```json\n{trial.config_text()}\n```")
            self._later(lambda: self.gallery.first_batch(trial, writer))

    def reported(self, trial: Trial, report: Report) -> None:
        writer, epoch = self.writers[trial.id], int(report.metrics["epoch"])
        for name, value in scalars(report).items():
            writer.add_scalar(scalar_tag(name), value, epoch)
        if report.fold_done:
            self._per_class(writer, trial, report.fold, epoch)

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        if trial.id not in self.writers and state != "complete":  # never ran in this process
            return
        writer = self._trial_writer(trial)  # complete without having run: all but the last word was said before a crash
        del self.writers[trial.id]
        writer.add_text("ending", json.dumps({"state": state, "reason": reason}))
        if state != "waiting":
            add_summary(writer, hparams.end(state))
        if state == "complete":
            writer.add_scalar(hparams.SCORE, trial.result.oof_score, 0)
            self._later(lambda: self.gallery.complete(trial, writer))
        self.aside.later(writer.close)

    def _trial_writer(self, trial: Trial) -> SummaryWriter:
        """Of the folder that the trial has had since it first began, whatever number it has now."""
        named = trial_name(self.number_of(trial.id), self.parameters_of(trial.id), trial.id)
        there = self.run.events(trial.id)
        return self._writer(trial.id, there.name if there else named)

    def _writer(self, name: str, folder: str = "") -> SummaryWriter:
        if name not in self.writers:
            self.writers[name] = SummaryWriter(str(self.run.tensorboard / (folder or name)), flush_secs=30)
        return self.writers[name]

    def _per_class(self, writer: SummaryWriter, trial: Trial, fold: int, epoch: int) -> None:
        """F1 of each class on the fold's validation rows, from what the trial has just written."""
        table = trial.fold(fold).validation()
        guess = table.probabilities
        if not len(guess) or len(table.classes) > SHOWN_CLASSES or not np.isfinite(guess).all():
            return
        scores = f1_per_class(table.label, guess.argmax(1), guess.shape[1])
        for name, score in zip(table.classes, scores, strict=True):
            writer.add_scalar(f1_tag(fold, name), score, epoch)

    def _later(self, work: Callable[[], None]) -> None:
        """Pictures are extras: what goes wrong with one is said once, and the search goes on."""
        if self.pictures and self.waits:
            self._guarded(work)
        elif self.pictures:
            self.aside.later(lambda: self._guarded(work))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            self.problems += 1
            if self.problems == 1:
                print(f"warning: a picture for TensorBoard failed\n{traceback.format_exc()}", file=sys.stderr)
