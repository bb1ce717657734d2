"""One fold: its epochs, its weights, its out-of-fold predictions."""

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from trainable.config import TrialConfig
from trainable.data.labels import decode
from trainable.data.rows import target_labels, training_rows
from trainable.files import append_json_line, digest, read_json_lines, write_bytes, write_json, write_npz
from trainable.images.loader import Loader
from trainable.metrics import accuracy, macro_f1
from trainable.models.build import normalise, pixel_statistics
from trainable.models.predict import BATCH, predict, use_bf16
from trainable.models.tta import viewed
from trainable.run.experiment import Experiment
from trainable.run.paths import FoldPaths
from trainable.training.averaging import goes_in, moving_statistics
from trainable.training.device import stream_to_device
from trainable.training.epochs import Trainer, new_learner
from trainable.training.state import Best, Learner, to_host

Metrics = dict[str, Any]


def train_fold(
    config: TrialConfig,
    experiment: Experiment,
    k: int,
    loader: Loader,
    device: torch.device,
    paths: FoldPaths,
    micro_batch: int | None = None,
) -> Iterator[Metrics]:
    """Train fold k, going on from its last epoch; yields each epoch's metrics, all files written before.

    Randomness is keyed by (seed, fold, epoch), so a resumed fold needs no random state to end the same to the bit.
    micro_batch: what fitted the memory in the fold before; None for whole batches.
    """
    started = time.perf_counter()
    training = training_rows(config, experiment.manifest, experiment.folds, k)
    valid_rows, truth = experiment.folds.valid_rows(k), target_labels(experiment.manifest, config.target)
    statistics = _statistics(config, experiment, training.rows).to(device)
    bf16 = use_bf16(config.precision, device)
    learner = new_learner(config, experiment, k, device, paths, micro_batch)
    kept = learner.kept
    done = _metrics_so_far(learner, paths)
    yield from done
    trainer = Trainer(config, learner, training, k, loader, statistics, device, bf16)
    for epoch in range(learner.epoch, config.epochs):
        epoch_started = time.perf_counter()
        if _gave_up(config, learner, epoch):
            metrics = {**done[-1], "epoch": epoch + 1, "seconds": 0.0, "images_per_second": 0.0}
        else:
            loss, rate, count = trainer.epoch(epoch)
            trained = time.perf_counter()
            if config.keep == "soup" and goes_in(epoch, config.epochs, config.soup_share):
                learner.soup.add(learner.kept)
                if epoch == config.epochs - 1:
                    kept = _soup(learner, training.rows, loader, statistics, bf16)
            network = viewed(kept, config.tta)
            guessed = np.zeros((0, trainer.classes), np.float32)
            if len(valid_rows):
                guessed = predict(network, loader.predict(valid_rows, BATCH), statistics, bf16=bf16)
            attributes = config.target == "joint" and bool(experiment.manifest.attributes)
            scores = score(truth[valid_rows], guessed, trainer.classes, attributes)
            if config.keep == "best":
                guessed, scores = _best(learner, guessed, scores, truth[valid_rows], trainer.classes, attributes, epoch)
            metrics = {
                "fold": k,
                "epoch": epoch + 1,
                "loss": loss,
                "lr": rate,
                **scores,
                "micro_batch": learner.micro_batch,
                "images_per_second": count / (trained - epoch_started),
                "seconds": time.perf_counter() - epoch_started,
            }
        learner.epoch = epoch + 1
        append_json_line(paths.metrics, metrics)
        done.append(metrics)
        if learner.epoch < config.epochs:
            learner.save(paths)
        else:
            probabilities = guessed if learner.best is None else learner.best.probabilities.cpu().numpy()
            _finish(learner, kept, paths, valid_rows, probabilities, truth, statistics, done, started)
        yield metrics


def score(labels: np.ndarray, probabilities: np.ndarray, classes: int, attributes: bool) -> Metrics:
    """macro-F1 and accuracies of predictions [N, C]; NaN when the network diverged, or where there are no rows."""
    if not len(labels) or not np.isfinite(probabilities).all():
        return {"macro_f1": math.nan, "accuracy": math.nan}
    predicted = probabilities.argmax(1)
    found = {"macro_f1": macro_f1(labels, predicted, classes), "accuracy": accuracy(labels, predicted)}
    if attributes:
        given, guessed = decode(labels), decode(predicted)
        found |= {f"accuracy_{a}": float((given[a] == guessed[a]).mean()) for a in given}
    return found


def _gave_up(config: TrialConfig, learner: Learner, epoch: int) -> bool:
    """Whether `patience` epochs have passed without a better one; the rest is skipped, with the same step numbers."""
    return bool(config.patience) and learner.best is not None and epoch - learner.best.epoch > config.patience


def _best(
    learner: Learner,
    guessed: np.ndarray,
    scores: Metrics,
    labels: np.ndarray,
    classes: int,
    attributes: bool,
    epoch: int,
) -> tuple[np.ndarray, Metrics]:
    """Keep this epoch if it is the best so far; predictions and scores of the best."""
    value = scores["macro_f1"]
    if learner.best is None or value > learner.best.score:
        known = -1.0 if math.isnan(value) else value
        learner.best = Best(known, epoch, to_host(learner.kept), torch.from_numpy(guessed))
    kept = learner.best.probabilities.cpu().numpy()
    return kept, {**score(labels, kept, classes, attributes), "macro_f1_of_epoch": value}


def _metrics_so_far(learner: Learner, paths: FoldPaths) -> list[Metrics]:
    """Metrics of the epochs that the state holds; those beyond it are dropped, they will be made again."""
    paths.root.mkdir(parents=True, exist_ok=True)
    kept = [m for m in read_json_lines(paths.metrics) if m["epoch"] <= learner.epoch]
    paths.metrics.unlink(missing_ok=True)
    for metrics in kept:
        append_json_line(paths.metrics, metrics)
    return kept


def _soup(learner: Learner, rows: np.ndarray, loader: Loader, statistics: Tensor, bf16: bool) -> nn.Module:
    """The mean of the last epochs' weights; its BatchNorm statistics are the training rows', seen as in prediction."""
    device = statistics.device
    batches = stream_to_device(loader.predict(rows, BATCH), device)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        images = (normalise(images, statistics) for _, images in batches)
        return learner.soup.served(learner.kept, moving_statistics(learner.model), images)


def _finish(
    learner: Learner,
    kept: nn.Module,
    paths: FoldPaths,
    rows: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    statistics: Tensor,
    done: list[Metrics],
    started: float,
) -> None:
    weights = to_host(kept) if learner.best is None else learner.best.weights
    write_bytes(paths.weights, save({n: w.cpu().contiguous() for n, w in weights.items()}))
    write_npz(paths.valid, index=rows, probabilities=probabilities, label=labels[rows])
    last = done[-1]
    write_json(
        paths.result,
        {
            "fold": last["fold"],
            "epochs": last["epoch"],
            "macro_f1": last["macro_f1"],
            "statistics": statistics.tolist(),
            "micro_batch": learner.micro_batch,
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
