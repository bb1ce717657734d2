"""One fold: its epochs, its weights, its out-of-fold predictions."""

import math
import time
from collections.abc import Iterator

import numpy as np
import torch
from safetensors.torch import save

from trainable.models.predict import predict
from trainable.models.tta import viewed
from trainable.run import Predictions
from trainable.run.fold import Metrics
from trainable.training.checkpoints import Checkpoints
from trainable.training.context import FoldContext
from trainable.training.epochs import Epochs
from trainable.training.scores import scores_of
from trainable.training.state import Best, TrainingState, begin_or_resume, to_host
from trainable.training.weight_averaging import goes_in

NOTHING_DONE = {"images_per_second": 0.0, "starting": 0.0, "seconds": 0.0}


def train_fold(fold: FoldContext) -> Iterator[Metrics]:
    """Train a fold, going on from its last state; yields each epoch's metrics.

    These are on disk by then, and so are all files of a fold that is done; of its state see
    trainable.training.checkpoints.

    Randomness is keyed by (seed, fold, epoch), so a resumed fold needs no random state to end the same to the bit.
    """
    started, total = time.perf_counter(), fold.config.epochs
    state = begin_or_resume(fold)
    done = fold.files.keep_epochs(state.epoch)
    yield from done
    epochs = Epochs(fold, state)
    checkpoints = Checkpoints(fold.files, fold.k, fold.saving, fold.device)
    try:
        for epoch in range(state.epoch, total):
            if _gave_up(fold, state, epoch):
                metrics: Metrics = {**done[-1], "epoch": epoch + 1, **NOTHING_DONE}
            else:
                metrics, guessed = _one_epoch(epochs, epoch)
            state.epoch = epoch + 1
            fold.files.add_epoch(metrics)
            done.append(metrics)
            if state.epoch < total:
                checkpoints.after(state.epoch, metrics["seconds"], state.to_dict)
            else:
                checkpoints.end()
                probabilities = guessed if state.best is None else state.best.probabilities.cpu().numpy()
                _finish(fold, state, probabilities, done, started)
            yield metrics
    finally:
        checkpoints.close()


def _one_epoch(epochs: Epochs, epoch: int) -> tuple[Metrics, np.ndarray]:
    """Train an epoch (from 0), then predict the validation rows; its metrics, and probabilities float32 [M, C]."""
    fold, state = epochs.fold, epochs.state
    began = time.perf_counter()
    loss, rate, count = epochs.train(epoch)
    trained = time.perf_counter()
    if fold.config.keep == "soup" and goes_in(epoch, fold.config.epochs, fold.config.soup_share):
        state.stir(epochs.soup_images, last=epoch == fold.config.epochs - 1)
    guessed = np.zeros((0, len(fold.classes)), np.float32)
    if len(fold.validation_rows):
        network = viewed(state.kept, fold.config.tta)
        of_photos = predict(network, epochs.validation, fold.statistics, bf16=fold.bf16)
        guessed = fold.validation_photos.answers(of_photos)
    scores = scores_of(fold.truth, guessed, fold.measure, made_of=fold.made_of)
    if fold.config.keep == "best":
        guessed, scores = _best(fold, state, guessed, scores, epoch)
    metrics: Metrics = {
        "fold": fold.k,
        "epoch": epoch + 1,
        "loss": loss,
        "lr": rate,
        **scores,
        "micro_batch": state.micro_batch,
        **_memory(fold.device),
        "images_per_second": count / (trained - began - epochs.starting.seconds),
        "starting": epochs.starting.seconds,
        "seconds": time.perf_counter() - began,
    }
    return metrics, guessed


def _memory(device: torch.device) -> dict[str, float]:
    """The most that this process held of the GPU's memory in the epoch, 0 to 1; nothing elsewhere."""
    if device.type != "cuda":
        return {}
    held = torch.cuda.max_memory_reserved(device) / torch.cuda.get_device_properties(device).total_memory
    torch.cuda.reset_peak_memory_stats(device)
    return {"gpu_memory": held}


def _gave_up(fold: FoldContext, state: TrainingState, epoch: int) -> bool:
    """Whether `patience` epochs have passed without a better one; the rest is skipped, with the same step numbers."""
    patience = fold.config.patience
    return bool(patience) and state.best is not None and epoch - state.best.epoch > patience


def _best(
    fold: FoldContext, state: TrainingState, guessed: np.ndarray, scores: dict[str, float], epoch: int
) -> tuple[np.ndarray, dict[str, float]]:
    """Keep this epoch if it is the best so far; predictions and scores of the best."""
    value = scores["score"]
    if state.best is None or value > state.best.score:
        known = -math.inf if math.isnan(value) else value
        state.best = Best(known, epoch, to_host(state.kept), torch.from_numpy(guessed))
    kept = state.best.probabilities.cpu().numpy()
    return kept, {**scores_of(fold.truth, kept, fold.measure, made_of=fold.made_of), "score_of_epoch": value}


def _finish(
    fold: FoldContext, state: TrainingState, probabilities: np.ndarray, done: list[Metrics], started: float
) -> None:
    weights = to_host(state.kept) if state.best is None else state.best.weights
    content = save({n: w.cpu().contiguous() for n, w in weights.items()})
    rows = fold.validation_rows
    number = np.full(len(rows), fold.k, np.int8)
    fold.files.finish(
        content,
        Predictions(rows, probabilities, fold.truth, number, fold.classes),
        fold=fold.k,
        epochs=int(done[-1]["epoch"]),
        score=done[-1]["score"],
        statistics=fold.statistics.tolist(),
        micro_batch=state.micro_batch,
        seconds=sum(m["seconds"] for m in done),
        seconds_with_setup=time.perf_counter() - started,
    )
