"""Training of one fold: what stays the same between its epochs, and what each of them needs.

Here the configuration ends: components below get keyword arguments.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from trainable.config import LossConfig, TrialConfig
from trainable.data.rows import TrainingRows, target_classes
from trainable.images.loader import Loader, split
from trainable.images.mixing import Mix, Planner, build_mix
from trainable.models.build import build_network, compiled, normalise
from trainable.models.freezing import Cached, HeadOnly, features, freeze
from trainable.models.predict import BATCH
from trainable.randomness import generator
from trainable.run.experiment import Experiment
from trainable.run.paths import FoldPaths
from trainable.training.device import stream_to_device, to_device
from trainable.training.losses import Loss, build_loss, sum_tasks
from trainable.training.losses.tasks import part_size, part_targets, tasks_of
from trainable.training.losses.weights import class_weights
from trainable.training.memory import fitting
from trainable.training.optim import build_optimiser, build_schedule
from trainable.training.phases import Span, is_first_stage, span
from trainable.training.samplers import build_sampler
from trainable.training.state import Learner, read_state
from trainable.training.step import Batch, EpochRunner


class Trainer:
    """The epochs of one fold: what stays the same between them, and what each of them needs."""

    def __init__(
        self,
        config: TrialConfig,
        learner: Learner,
        training: TrainingRows,
        k: int,
        loader: Loader,
        statistics: Tensor,
        device: torch.device,
        bf16: bool,
    ) -> None:
        self.config, self.learner, self.training, self.k = config, learner, training, k
        self.loader, self.device = loader, device
        self.classes = training.classes
        self.cached: Cached | None = None
        network, inputs = learner.model, partial(normalise, statistics=statistics)
        if config.compile:
            network = compiled(learner.model)
        if config.model.freeze == "body":
            self.cached = _cache(learner.model, training, loader, statistics, device, bf16)
            network, inputs = HeadOnly(learner.model, config.model.drop_rate), nn.Identity()  # type: ignore[assignment]
        o = config.optim
        labels = torch.from_numpy(training.labels).to(device)
        self.runner = EpochRunner(learner, network, inputs, labels, self.classes, o.accumulate, o.clip, bf16)
        self.sample = build_sampler(config.sampler.name, power=config.sampler.power, beta=config.sampler.beta)
        m = config.mix
        self.mixer: Planner = build_mix(m.name, p=m.p, alpha=m.alpha, ratio=m.ratio, partner=m.partner)
        self.losses: dict[bool, Loss] = {}
        self.span: Span | None = None

    def epoch(self, epoch: int) -> tuple[float, float, int]:
        """Train one; (mean loss, last rate of the body, images seen)."""
        config, learner = self.config, self.learner
        now = span(config.optim, config.epochs, epoch)
        if now != self.span:
            if epoch == now.first and epoch > 0:
                learner.optimiser = _optimiser(config, learner.model, now)
            self.set_rate, self.span = _schedule(config, learner.optimiser, now), now
        unmasked = is_first_stage(config.stage, config.epochs, epoch)
        rows = self.training.rows
        rows = rows[self.training.unmasked[rows]] if unmasked else rows
        if unmasked not in self.losses:
            self.losses[unmasked] = loss_for(config, self.training.labels[rows], self.classes, unmasked, self.device)
        key = (config.seed, self.k, epoch)
        torch.manual_seed(int(generator(*key).integers(2**62)))
        order = self.sample(generator(*key, 1), rows, self.training.labels[rows])
        parts = split(order, config.batch_size)
        loss = self.runner.run(
            self._batches(order, parts, epoch),
            len(parts),
            self.losses[unmasked],
            self.set_rate,
            epoch - now.first,
            partial(self._plan, key),
        )
        group = learner.optimiser.param_groups[0]
        return loss, group["lr"] / group["lr_scale"], len(order)

    def _plan(self, key: tuple[int, int, int], step: int, rows: np.ndarray, size: tuple[int, int]) -> Mix | None:
        if self.config.mix.name == "none":
            return None
        return self.mixer(generator(*key, 2, step), self.training.labels[rows], self.training.old[rows], size)

    def _batches(self, order: np.ndarray, parts: list[np.ndarray], epoch: int) -> Iterator[Batch]:
        if self.cached is not None:
            places = ((part, to_device(part, self.device)) for part in parts)
            return ((part, place, self.cached.of(place)) for part, place in places)
        stream = stream_to_device(self.loader.train(order, self.config.batch_size, _stream(self.k, epoch)), self.device)
        return ((part, *moved) for part, moved in zip(parts, stream, strict=True))


def new_learner(
    config: TrialConfig,
    experiment: Experiment,
    k: int,
    device: torch.device,
    paths: FoldPaths,
    micro_batch: int | None = None,
) -> Learner:
    """A learner as it starts, with whole batches unless `micro_batch` is given, or as its last epoch left it."""
    torch.manual_seed(int(generator(config.seed, k).integers(2**62)))
    weights = experiment.weights.get(config.model.backbone) if config.model.pretrained else None
    classes = len(target_classes(experiment.manifest, config.target))
    model = build_network(config, classes, Path(weights) if weights else None)
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    freeze(model, config.model.freeze)
    ema = ModelEmaV3(model, decay=config.optim.ema, use_warmup=True) if config.optim.ema else None
    state = read_state(paths, device)
    last = max(0, state["epoch"] - 1) if state else 0
    optimiser = _optimiser(config, model, span(config.optim, config.epochs, last))
    learner = Learner(model, optimiser, micro_batch or config.batch_size, ema)
    if state:
        learner.load(state)
    return learner


def loss_for(config: TrialConfig, labels: np.ndarray, classes: int, unmasked: bool, device: torch.device) -> Loss:
    """The loss of a stage, with class weights from the labels int64[n] that train in it."""
    h = config.head
    tasks = tasks_of(h.name, (h.mask_weight, h.gender_weight, h.age_weight), unmasked, config.target)
    parts = []
    for task in tasks:
        own = part_targets(torch.from_numpy(labels), task.keep).numpy()
        parts.append((task, _one_loss(config.loss, own, part_size(task.keep, classes), device)))
    return parts[0][1] if tasks[0].keep == () else sum_tasks(parts)


def _one_loss(loss: LossConfig, labels: np.ndarray, classes: int, device: torch.device) -> Loss:
    name = "none" if loss.name == "soft_f1" else loss.class_weights
    weights = class_weights(name, labels, classes, power=loss.weight_power, beta=loss.weight_beta)
    return build_loss(
        loss.name,
        smoothing=loss.smoothing,
        gamma=loss.gamma,
        f1_weight=loss.f1_weight,
        weights=None if weights is None else torch.from_numpy(weights).float().to(device),
    )


def _stream(k: int, epoch: int) -> int:
    """The number that keys an epoch's augmentation: no two (fold, epoch) share one."""
    return k * 100_000 + epoch


def _optimiser(config: TrialConfig, model: nn.Module, now: Span) -> torch.optim.Optimizer:
    o = config.optim
    return build_optimiser(
        model,
        name=now.optimiser,
        lr=now.lr,
        weight_decay=o.weight_decay,
        momentum=o.momentum,
        layer_decay=o.layer_decay,
        head_factor=o.head_factor,
    )


def _schedule(config: TrialConfig, optimiser: torch.optim.Optimizer, now: Span) -> Callable[[float], None]:
    o = config.optim
    return build_schedule(
        optimiser,
        name=o.schedule,
        epochs=now.last - now.first,
        warmup=o.warmup,
        step_every=o.step_every,
        step_factor=o.step_factor,
        milestones=o.milestones,
        cycles=o.cycles,
        cycle_decay=o.cycle_decay,
    )


def _cache(
    model: nn.Module, training: TrainingRows, loader: Loader, statistics: Tensor, device: torch.device, bf16: bool
) -> Cached:
    """Features of all training rows, of photos as they are predicted."""

    def of(images: Tensor, most: int) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            parts = images.tensor_split(-(-len(images) // most))
            return torch.cat([features(model, normalise(part, statistics)) for part in parts])

    found, limit = [], BATCH
    for _, images in stream_to_device(loader.predict(training.rows, BATCH), device):
        values, limit = fitting(partial(of, images), len(images), limit)
        found.append(values)
    return Cached(training.rows, torch.cat(found).clone(), len(training.labels))
