"""Heads on frozen features: all folds of a trial from one table and the same statistics."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from trainable.config import TrialConfig
from trainable.data.attributes import Attributes
from trainable.data.folds import Folds
from trainable.data.items import photos_of
from trainable.data.pseudo_labels import SoftLabels
from trainable.data.rows import made_of_target, target_classes, target_labels, training_rows
from trainable.features.choose import Fitted, Fitter, Lesson
from trainable.features.closed import Linear
from trainable.features.direct import unit_rows
from trainable.features.parts import inner_parts
from trainable.features.table import FeatureTable
from trainable.features.views import probabilities, view_tables
from trainable.files import digest
from trainable.models.bodies import random_body
from trainable.models.fitted import layer_of
from trainable.models.normalise import pixel_statistics
from trainable.run import Experiment, Fold, Predictions
from trainable.run.fold import Metrics
from trainable.run.folder import RunFolder
from trainable.run.inputs import keep_body
from trainable.training.losses.weights import class_weights
from trainable.training.on_trained import trained_network
from trainable.training.scores import scores_of

Tensors = dict[str, Tensor]


class FrozenHeads:
    """The heads of a configuration, fitted when they are asked for.

    folds: those of the experiment, or those of one network of all rows.
    """

    def __init__(
        self, run: RunFolder, config: TrialConfig, folds: Folds, *, device: torch.device, workers: int = 0
    ) -> None:
        self.run, self.config, self.folds, self.device, self.workers = run, config, folds, device, workers
        self.experiment: Experiment = run.experiment
        self.own: int | None = None

    def of_fold(self, k: int) -> Self:
        """Those that fold k's is among: all, or where they stand on trained networks, those on fold k's own."""
        if not self.config.features.of:
            return self
        found = type(self)(self.run, self.config, self.folds, device=self.device, workers=self.workers)
        found.own = k
        return found

    @cached_property
    def bodies(self) -> list[Path]:
        """The run's copies of the networks' weights, in the order of `config.tables`."""
        if self.config.features.of:
            assert self.own is not None
            network = trained_network(self.run, self.config, self.own if self.folds.leave_out else None)
            return [keep_body(network.read_bytes(), self.run.root)]
        return [
            keep_body(
                Path(self.experiment.weights[backbone]).read_bytes()
                if self.config.model.pretrained
                else random_body(backbone, size, self.config.seed),
                self.run.root,
            )
            for backbone, size in self.config.tables
        ]

    @cached_property
    def tables(self) -> list[FeatureTable]:
        """One a view; their rows are the manifest's."""
        e = self.experiment
        return view_tables(self.config, e.store, self.bodies, e.place, device=self.device, workers=self.workers)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(target_classes(self.experiment.manifest, self.config.target))

    @property
    def made_of(self) -> Attributes:
        return self.experiment.manifest.made_of

    def fit(self, k: int) -> tuple[Tensors, float]:
        """What the file of a fold's head holds, and the loss that chose it."""
        fitted = [fitter.fit(fitter.lessons[k]) for fitter in self._fitters]
        loss = float(np.mean([one.loss for one in fitted]))
        linear = [one.linear for one in fitted if one.linear is not None]
        return _linear(linear) if linear else self._bank(self._fitters[0], k, fitted[0]), loss

    @cached_property
    def _fitters(self) -> list[Fitter]:
        """One a head: of all classes, or of each attribute."""
        experiment, k = self.experiment, range(self.folds.count)
        own = experiment.folds
        part, fold_of = inner_parts(own.fold, experiment.manifest.frame["group"].to_numpy(str))
        left_out = [frozenset(np.flatnonzero(fold_of == f).tolist() if self.folds.leave_out else ()) for f in k]
        rows = [training_rows(self.config, experiment.manifest, self.folds, f) for f in k]
        truth, found = target_labels(experiment.manifest, self.config.target), []
        for attribute, classes in self._tasks():
            lessons = []
            for some, out in zip(rows, left_out, strict=True):
                labels = np.full(len(truth), -1)
                labels[some.rows] = self._labels(some.labels[some.rows], attribute)
                weights = self._weights(labels[some.rows], classes)
                if some.weights is not None:
                    labels[some.weights == 0] = -1
                lessons.append(Lesson(labels, weights, out, self._soft(some.soft, attribute)))
            scored = np.where(own.scored, self._labels(truth, attribute), -1)
            found.append(Fitter(self.tables[0], self.config.head, part, scored, lessons, rows[0].weights))
        return found

    def _tasks(self) -> list[tuple[str, int]]:
        """(attribute, or none where a head tells the classes themselves, how many classes it has)."""
        if self.config.head.parts == "attributes":
            return [(part.name, len(part.values)) for part in self.made_of]
        return [("", len(self.classes))]

    def _labels(self, labels: np.ndarray, attribute: str) -> np.ndarray:
        """int64[n]: classes, or what they say of an attribute."""
        return self.made_of.decode(labels)[attribute] if attribute else labels

    def _soft(self, soft: SoftLabels | None, attribute: str) -> SoftLabels | None:
        if soft is None or not attribute:
            return soft
        axis = self.made_of.names.index(attribute)
        return replace(soft, shares=self.made_of.grid.marginal(soft.shares, axis))

    def _weights(self, labels: np.ndarray, classes: int) -> np.ndarray:
        given = self.config.loss
        found = class_weights(given.class_weights, labels, classes, power=given.weight_power, beta=given.weight_beta)
        return np.ones(classes) if found is None else found

    def _bank(self, fitter: Fitter, k: int, fitted: Fitted) -> Tensors:
        lesson = fitter.lessons[k]
        rows = fitter.rows(lesson)
        return {
            "bank": unit_rows(fitter.table.rows(rows)),
            "label": torch.from_numpy(lesson.labels[rows]),
            "votes": torch.from_numpy(fitter.votes(lesson, rows)).float(),
            "neighbours": torch.tensor(int(fitted.strength)),
            "classes": torch.tensor(len(lesson.weights)),
            "scale": torch.tensor(fitted.scale),
        }


def fit_fold(heads: FrozenHeads, k: int, files: Fold) -> Iterator[Metrics]:
    """A fold's head, its weights and out-of-fold predictions; yields its metrics once an epoch, all files written.

    Epochs after the first take no time: they keep the numbers of steps that all trials of a run share.
    """
    started, config = time.perf_counter(), heads.config
    tensors, loss = heads.fit(k)
    rows = heads.folds.valid_rows(k)
    guessed = np.zeros((0, len(heads.classes)), np.float32)
    if len(rows):
        photos = photos_of(heads.experiment.manifest, rows)
        guessed = photos.answers(
            probabilities(layer_of(config.head, tensors, heads.made_of), heads.tables, photos.rows)
        )
    truth = target_labels(heads.experiment.manifest, config.target)[rows]
    measure, made_of = heads.run.measure(heads.classes), made_of_target(heads.experiment.manifest, config.target)
    scores, seconds = scores_of(truth, guessed, measure, made_of=made_of), time.perf_counter() - started
    files.keep_epochs(0)
    for epoch in range(1, config.epochs + 1):
        metrics: Metrics = {"fold": k, "epoch": epoch, "loss": loss, "lr": 0.0, **scores, "micro_batch": 1}
        metrics |= {"images_per_second": 0.0, "seconds": seconds if epoch == 1 else 0.0}
        files.add_epoch(metrics)
        if epoch == config.epochs:
            files.finish(
                save(tensors, {"bodies": " ".join(digest(body) for body in heads.bodies)}),
                Predictions(rows, guessed, truth, np.full(len(rows), k, np.int8), heads.classes),
                fold=k,
                epochs=epoch,
                score=scores["score"],
                statistics=pixel_statistics(config.model.backbone, config.input.normalise, ((), ())).tolist(),
                micro_batch=1,
                seconds=seconds,
                seconds_with_setup=time.perf_counter() - started,
            )
        yield metrics


def _linear(heads: list[Linear]) -> Tensors:
    """Heads of several attributes are one layer, whose units lie one after another."""
    return {
        "weight": torch.from_numpy(np.concatenate([head.weight for head in heads])).float(),
        "bias": torch.from_numpy(np.concatenate([head.bias for head in heads])).float(),
    }
