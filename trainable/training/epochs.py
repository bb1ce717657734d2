"""The epochs of one fold: what stays the same between them, and what each of them needs.

Here the configuration ends: components below get keyword arguments.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from trainable.config import LossConfig, TrialConfig
from trainable.data.attributes import Attributes
from trainable.device import stream_to_device, to_device
from trainable.images.mixing import Mix, MixPlanner, build_mix
from trainable.memory import as_many_as_fit
from trainable.models.freezing import CachedFeatures, HeadOnly, features
from trainable.models.normalise import normalise
from trainable.models.predict import BATCH
from trainable.randomness import generator
from trainable.ring.plan import NO_AUGMENTATION, Plan, split
from trainable.training.context import FoldContext
from trainable.training.losses import Loss, build_loss, sum_tasks
from trainable.training.losses.tasks import Part, tasks_of
from trainable.training.losses.weights import class_weights
from trainable.training.optim import build_schedule
from trainable.training.phases import OptimiserPhase, is_first_stage, optimiser_phase
from trainable.training.samplers import build_sampler
from trainable.training.starting import Starting
from trainable.training.state import TrainingState, optimiser_of
from trainable.training.step import Batch, SoftTargets, Steps
from trainable.training.validation import ValidationBatches
from trainable.training.ways import Caller, kind_of


class Epochs:
    """Trains a fold epoch by epoch; what it changes is `state`."""

    def __init__(self, fold: FoldContext, state: TrainingState) -> None:
        self.fold, self.state = fold, state
        config = fold.config
        self.cached: CachedFeatures | None = None
        network, inputs = state.model, partial(normalise, statistics=fold.statistics)
        if config.model.freeze == "body":
            self.cached = _cache(fold, state.model)
            network, inputs = HeadOnly(state.model, config.model.drop_rate), nn.Identity()  # type: ignore[assignment]
        labels = torch.from_numpy(fold.training.labels).to(fold.device)
        accumulate, clip = config.optim.accumulate, config.optim.clip
        weights = fold.training.weights
        counted = None if weights is None else torch.from_numpy(weights).float().to(fold.device)
        kind = kind_of(config, bf16=fold.bf16)
        caller = Caller(network, config.compile, kind, fold.device, fold.bf16, fold.ways)
        kept = config.model.batch_norm == "kept"
        soft = None if fold.training.soft is None else SoftTargets.of(fold.training.soft, len(labels), fold.device)
        self.steps = Steps(
            state, caller, inputs, labels, len(fold.classes), accumulate, clip, fold.bf16, counted, kept, soft
        )
        self.sample = build_sampler(config.sampler.name, power=config.sampler.power, beta=config.sampler.beta)
        m = config.mix
        self.mixer: MixPlanner = build_mix(m.name, p=m.p, alpha=m.alpha, ratio=m.ratio, partner=m.partner)
        self.validation = ValidationBatches(fold.loader, fold.validation_photos.rows, pin=fold.device.type == "cuda")
        self.starting = Starting()
        self.losses: dict[bool, Loss] = {}
        self.phase: OptimiserPhase | None = None

    def train(self, epoch: int) -> tuple[float, float, int]:
        """Train one (from 0); (mean loss, last rate of the body, images seen)."""
        fold, config, training = self.fold, self.fold.config, self.fold.training
        phase = self._enter_phase(epoch)
        first, rows = self._rows(epoch)
        if first not in self.losses:
            made_of, classes = fold.experiment.manifest.made_of, len(fold.classes)
            self.losses[first] = loss_for(config, training.labels[rows], classes, made_of, first, fold.device)
        key = (config.seed, fold.k, epoch)
        torch.manual_seed(int(generator(*key).integers(2**62)))
        order = self._order(epoch)
        parts = split(order, config.batch_size)
        loss = self.steps.run(
            self.starting.watch(self._batches(order, parts, epoch)),
            len(parts),
            self.losses[first],
            self.set_rate,
            epoch - phase.first,
            partial(self._mix, key),
        )
        group = self.state.optimiser.param_groups[0]
        return loss, group["lr"] / group["lr_scale"], len(order)

    @property
    def soup_images(self) -> Iterator[Tensor]:
        """Batches of all training rows as they are predicted, for the BatchNorm statistics of mean weights."""
        fold = self.fold
        batches = stream_to_device(fold.loader.predict(fold.training.rows, BATCH), fold.device)
        with torch.autocast(fold.device.type, torch.bfloat16, enabled=fold.bf16):
            for _, images in batches:
                yield normalise(images, fold.statistics)

    def _rows(self, epoch: int) -> tuple[bool, np.ndarray]:
        """(whether it is an epoch of the first stage, the rows int64[n] that train in it)."""
        config, training = self.fold.config, self.fold.training
        first = is_first_stage(config.stage, config.epochs, epoch)
        return first, training.rows[training.first[training.rows]] if first else training.rows

    def _order(self, epoch: int) -> np.ndarray:
        """The rows of an epoch as they are drawn; known beforehand, so that its first batches can be."""
        key, (_, rows) = (self.fold.config.seed, self.fold.k, epoch), self._rows(epoch)
        return self.sample(generator(*key, 1), rows, self.fold.training.labels[rows])

    def _expected(self, epoch: int, order: np.ndarray) -> Iterator[Plan]:
        """What is read from now until the first batches of the next epoch, in its order."""
        fold, config = self.fold, self.fold.config
        yield Plan(_augmentation_key(fold.k, epoch), order, config.batch_size)
        last = epoch + 1 == config.epochs
        if last and config.keep == "soup":
            yield Plan(NO_AUGMENTATION, fold.training.rows, BATCH)
        if len(fold.validation_rows) and not self.validation.kept:
            yield Plan(NO_AUGMENTATION, fold.validation_photos.rows, BATCH)
        if not last:
            yield Plan(_augmentation_key(fold.k, epoch + 1), self._order(epoch + 1), config.batch_size)

    def _enter_phase(self, epoch: int) -> OptimiserPhase:
        """The optimiser and schedule of an epoch; a phase that begins has a fresh optimiser."""
        config = self.fold.config
        phase = optimiser_phase(config.optim, config.epochs, epoch)
        if phase != self.phase:
            if epoch == phase.first and epoch > 0:
                self.state.optimiser = optimiser_of(self.fold, self.state.model, phase)
            self.set_rate, self.phase = _schedule(config, self.state.optimiser, phase), phase
        return phase

    def _mix(self, key: tuple[int, int, int], step: int, rows: np.ndarray, size: tuple[int, int]) -> Mix | None:
        if self.fold.config.mix.name == "none":
            return None
        training = self.fold.training
        return self.mixer(generator(*key, 2, step), training.labels[rows], training.partners[rows], size)

    def _batches(self, order: np.ndarray, parts: list[np.ndarray], epoch: int) -> Iterator[Batch]:
        fold = self.fold
        if self.cached is not None:
            places = ((part, to_device(part, fold.device)) for part in parts)
            return ((part, place, self.cached.of(place)) for part, place in places)
        fold.loader.expect(*self._expected(epoch, order))
        batches = fold.loader.train(order, fold.config.batch_size, _augmentation_key(fold.k, epoch))
        return ((part, *moved) for part, moved in zip(parts, stream_to_device(batches, fold.device), strict=True))


def loss_for(
    config: TrialConfig, labels: np.ndarray, classes: int, made_of: Attributes, first: bool, device: torch.device
) -> Loss:
    """The loss of a stage, with class weights from the labels int64[n] that train in it; first: whether it is that."""
    without = config.stage.rows.partition("=")[0] if first else ""
    tasks = tasks_of(config.head.name, dict(config.head.weights), made_of.names, without, config.target)
    found = []
    for task in tasks:
        if not task.keep:
            return _one_loss(config.loss, labels, classes, device)
        part = Part(task.keep, made_of, device)
        own = part.targets(torch.from_numpy(labels).to(device)).cpu().numpy()
        found.append((task.weight, part, _one_loss(config.loss, own, part.size, device)))
    return sum_tasks(found)


def _one_loss(loss: LossConfig, labels: np.ndarray, classes: int, device: torch.device) -> Loss:
    name = "none" if loss.name == "soft_f1" else loss.class_weights
    weights = class_weights(name, labels, classes, power=loss.weight_power, beta=loss.weight_beta)
    return build_loss(
        loss.name,
        smoothing=loss.smoothing,
        gamma=loss.gamma,
        f1_weight=loss.f1_weight,
        weights=None if weights is None else torch.from_numpy(weights).float().to(device),
        leave_out=loss.leave_out,
    )


def _augmentation_key(k: int, epoch: int) -> int:
    """The number that keys an epoch's augmentation: no two (fold, epoch) share one."""
    return k * 100_000 + epoch


def _schedule(config: TrialConfig, optimiser: torch.optim.Optimizer, phase: OptimiserPhase) -> Callable[[float], None]:
    o = config.optim
    return build_schedule(
        optimiser,
        name=o.schedule,
        epochs=phase.last - phase.first,
        warmup=o.warmup,
        step_every=o.step_every,
        step_factor=o.step_factor,
        milestones=o.milestones,
        cycles=o.cycles,
        cycle_decay=o.cycle_decay,
    )


def _cache(fold: FoldContext, model: nn.Module) -> CachedFeatures:
    """Features of all training rows, of photos as they are predicted."""
    rows = fold.training.rows

    def of(images: Tensor, most: int) -> Tensor:
        with torch.autocast(fold.device.type, torch.bfloat16, enabled=fold.bf16):
            parts = images.tensor_split(-(-len(images) // most))
            return torch.cat([features(model, normalise(part, fold.statistics)) for part in parts])

    found, limit = [], BATCH
    for _, images in stream_to_device(fold.loader.predict(rows, BATCH), fold.device):
        values, limit = as_many_as_fit(partial(of, images), len(images), limit)
        found.append(values)
    return CachedFeatures(rows, torch.cat(found).clone(), len(fold.training.labels))
