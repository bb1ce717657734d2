"""One fold: its epochs, its weights, its out-of-fold predictions."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from trainable.config import TrialConfig
from trainable.data.labels import decode
from trainable.data.loader import Loader
from trainable.experiment import Experiment
from trainable.files import append_json_line, digest, read_json_lines, write_atomic, write_json, write_npz
from trainable.losses import build_loss
from trainable.metrics import accuracy, macro_f1
from trainable.models import build_model, normalise, pixel_statistics
from trainable.optim import build_optimiser, build_schedule
from trainable.predict import BATCH, predict, use_bf16
from trainable.randomness import generator
from trainable.samplers import build_sampler
from trainable.store import FoldPaths

Metrics = dict[str, Any]


@dataclass
class Learner:
    """Everything that changes while a fold trains."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    epoch: int = 0  # epochs finished

    def save(self, paths: FoldPaths) -> None:
        state = {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        write_atomic(paths.resume, lambda p: torch.save(state, p))

    def load(self, paths: FoldPaths, device: torch.device) -> None:
        state = torch.load(paths.resume, map_location=device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch = state["epoch"]


def train_fold(
    config: TrialConfig,
    experiment: Experiment,
    k: int,
    loader: Loader,
    device: torch.device,
    paths: FoldPaths,
) -> Iterator[Metrics]:
    """Train fold k, going on from its last epoch; yields each epoch's metrics, all files written before.

    Randomness is keyed by (seed, fold, epoch), so a resumed fold needs no random state to end the same to the bit.
    """
    started = time.perf_counter()
    labels = experiment.manifest.labels
    train_rows, valid_rows = experiment.folds.train_rows(k), experiment.folds.valid_rows(k)
    statistics = _statistics(config, experiment, train_rows).to(device)
    bf16 = use_bf16(config.precision, device)
    learner = _new_learner(config, experiment, k, device)
    done = _resume(learner, paths, device)
    yield from done
    epoch_step = build_epoch(config, learner, statistics, len(train_rows), device, bf16)
    sample = build_sampler(config.sampler.name, power=config.sampler.power)
    for epoch in range(learner.epoch, config.epochs):
        epoch_started = time.perf_counter()
        torch.manual_seed(int(generator(config.seed, k, epoch).integers(2**62)))
        rows = sample(generator(config.seed, k, epoch, 1), train_rows, labels[train_rows])
        loss, rate = epoch_step(loader.train(rows, config.batch_size, _stream(k, epoch)), labels, epoch)
        trained = time.perf_counter()
        probabilities = predict(learner.model, loader.predict(valid_rows, BATCH), statistics, bf16=bf16)
        learner.epoch = epoch + 1
        metrics = {
            "fold": k,
            "epoch": epoch + 1,
            "loss": loss,
            "lr": rate,
            **score(labels[valid_rows], probabilities, experiment),
            "images_per_second": len(rows) / (trained - epoch_started),
            "seconds": time.perf_counter() - epoch_started,
        }
        append_json_line(paths.metrics, metrics)
        done.append(metrics)
        if learner.epoch < config.epochs:
            learner.save(paths)
        else:
            _finish(learner, paths, valid_rows, probabilities, labels, statistics, done, started)
        yield metrics


def build_epoch(config: TrialConfig, learner: Learner, statistics: Tensor, rows: int, device: torch.device, bf16: bool):
    """A function (batches, labels, epoch) -> (mean loss, last learning rate) that trains one epoch.

    Nothing inside waits for the device: losses stay there until the epoch ends.
    """
    steps = math.ceil(rows / config.batch_size)
    o = config.optim
    schedule = build_schedule(
        learner.optimiser,
        name=o.schedule,
        epochs=config.epochs,
        steps_per_epoch=steps,
        warmup=o.warmup,
        step_every=o.step_every,
        step_factor=o.step_factor,
    )
    loss_of = build_loss(
        config.loss.name,
        smoothing=config.loss.smoothing,
        gamma=config.loss.gamma,
        f1_weight=config.loss.f1_weight,
    )

    def run(batches: Iterator[tuple[np.ndarray, Tensor]], labels: np.ndarray, epoch: int) -> tuple[float, float]:
        learner.model.train()
        losses = []
        for step, (rows, images) in enumerate(batches, start=epoch * steps):
            schedule.step_update(step)
            targets = torch.from_numpy(labels[rows]).to(device, non_blocking=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = learner.model(normalise(images.to(device, non_blocking=True), statistics))
            loss = loss_of(logits.float(), targets)
            learner.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            if o.clip:
                nn.utils.clip_grad_norm_(learner.model.parameters(), o.clip)
            learner.optimiser.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean().item(), learner.optimiser.param_groups[0]["lr"]

    return run


def score(labels: np.ndarray, probabilities: np.ndarray, experiment: Experiment) -> Metrics:
    """macro-F1 and accuracies of a fold's validation rows; NaN when the network diverged."""
    if not np.isfinite(probabilities).all():
        return {"macro_f1": math.nan, "accuracy": math.nan}
    predicted = probabilities.argmax(1)
    found = {
        "macro_f1": macro_f1(labels, predicted, len(experiment.manifest.classes)),
        "accuracy": accuracy(labels, predicted),
    }
    if experiment.manifest.attributes:
        given, guessed = decode(labels), decode(predicted)
        found |= {f"accuracy_{a}": float((given[a] == guessed[a]).mean()) for a in given}
    return found


def _stream(k: int, epoch: int) -> int:
    """The number that keys an epoch's augmentation: no two (fold, epoch) share one."""
    return k * 100_000 + epoch


def _new_learner(config: TrialConfig, experiment: Experiment, k: int, device: torch.device) -> Learner:
    torch.manual_seed(int(generator(config.seed, k).integers(2**62)))
    weights = experiment.weights.get(config.model.backbone) if config.model.pretrained else None
    model = build_model(
        config.model.backbone,
        classes=len(experiment.manifest.classes),
        size=config.input.size,
        weights=Path(weights) if weights else None,
        drop_rate=config.model.drop_rate,
    ).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    o = config.optim
    optimiser = build_optimiser(model, name=o.name, lr=o.lr, weight_decay=o.weight_decay, momentum=o.momentum)
    return Learner(model, optimiser)


def _resume(learner: Learner, paths: FoldPaths, device: torch.device) -> list[Metrics]:
    """Load the last epoch's state, if any; metrics of epochs beyond it are dropped, they will be made again."""
    paths.root.mkdir(parents=True, exist_ok=True)
    if paths.resume.exists():
        learner.load(paths, device)
    kept = [m for m in read_json_lines(paths.metrics) if m["epoch"] <= learner.epoch]
    paths.metrics.unlink(missing_ok=True)
    for metrics in kept:
        append_json_line(paths.metrics, metrics)
    return kept


def _finish(
    learner: Learner,
    paths: FoldPaths,
    rows: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    statistics: Tensor,
    done: list[Metrics],
    started: float,
) -> None:
    weights = {name: value.detach().cpu().contiguous() for name, value in learner.model.state_dict().items()}
    write_atomic(paths.weights, lambda p: save_file(weights, p))
    write_npz(paths.valid, index=rows, probabilities=probabilities, label=labels[rows])
    last = done[-1]
    write_json(
        paths.result,
        {
            "fold": last["fold"],
            "epochs": last["epoch"],
            "macro_f1": last["macro_f1"],
            "statistics": statistics.tolist(),
            "weights_sha256": digest(paths.weights),
            "seconds": sum(m["seconds"] for m in done),
            "seconds_with_setup": time.perf_counter() - started,
        },
    )
    paths.resume.unlink(missing_ok=True)


def _statistics(config: TrialConfig, experiment: Experiment, train_rows: np.ndarray) -> Tensor:
    """Mean and deviation float32 [2, 3]; the data set's own come from photos spread over the fold's training rows."""
    own: tuple = ((0.0,) * 3, (1.0,) * 3)
    if config.input.normalise == "dataset":
        chosen = train_rows[np.linspace(0, len(train_rows) - 1, min(1000, len(train_rows))).astype(int)]
        pixels = experiment.store.pixels()[experiment.place[chosen]] / np.float32(255)
        own = (pixels.mean((0, 1, 2)).tolist(), pixels.std((0, 1, 2)).tolist())
    return pixel_statistics(config.model.backbone, config.input.normalise, own)
