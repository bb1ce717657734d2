"""The rows of `benchmarks.loader` about worker processes: what comes through the ring, and what that costs.

From a store of 256 px, augmentation "light", in batches of 64 x 224 px. Wall time, interleaved, medians: workers need
cores of their own, so the machine must be idle. The process that asks computes next to nothing: two cores do for two.
"""

import os
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import interleaved, ratio, rounded
from benchmarks.step_parts import Held, config_of, trainer
from trainable.device import stream_to_device
from trainable.images.batches import Batches
from trainable.images.loader import Loader
from trainable.run import Run, prepare
from trainable.sample.write import generate
from trainable.training.batches import training_batches

EPOCH, BATCH, SIZE = 2048, 64, (224, 224)
NETWORK, TRAINED = "resnet18", 256


def through_the_ring(folder: Path, rounds: int, images: int = EPOCH, trained: int = TRAINED) -> dict[str, list[float]]:
    """Wall seconds a batch with 0, 1 and 2 workers; CPU seconds of the asking process; those of epochs trained."""
    pixels = folder / "photos.npy"
    np.save(pixels, np.random.default_rng(0).integers(0, 256, (256, 256, 256, 3), dtype=np.uint8))
    batches = Batches(pixels, np.arange(256), (1.0, 1.0), SIZE, "light", 0)
    rows, number = np.resize(np.arange(256), images), count()
    loaders = {workers: Loader(batches, workers=workers) for workers in (0, 1, 2)}
    jobs: dict[str, Callable[[], object]] = {
        f"workers_{workers}": lambda loader=loader: _asked(loader, rows, next(number))
        for workers, loader in loaders.items()
    }
    found = interleaved(jobs, rounds, time.perf_counter)
    found["asking"] = interleaved({"asking": jobs["workers_2"]}, rounds)["asking"]
    found = {name: [value * BATCH / images for value in values] for name, values in found.items()}
    found |= _an_epoch_with_a_worker(folder, rounds, trained)
    return {name: [rounded(v, 5) for v in values] for name, values in found.items()}


def of_the_ring(seconds: dict[str, list[float]]) -> dict[str, float]:
    """ring_N: images/s with N workers over N times those of the loop without."""
    return {
        "ring_1": rounded(ratio(seconds["workers_0"], seconds["workers_1"])),
        "ring_2": rounded(ratio(seconds["workers_0"], seconds["workers_2"]) / 2),
        "training_process_ms_per_batch": rounded(float(np.median(seconds["asking"])) * 1000),
        "epoch_with_worker": rounded(ratio(seconds["epoch_worker"], seconds["epoch_memory"])),
    }


def _an_epoch_with_a_worker(folder: Path, rounds: int, images: int) -> dict[str, list[float]]:
    """Wall seconds of a training epoch fed by a worker, and of one whose batches lie in memory."""
    os.environ["FOLDVOTE_CACHE"] = f"{folder}/cache"
    generate(folder / "people", 12, 6, 0, 1)
    run, device = Run(folder / "run"), torch.device("cpu")
    experiment = prepare(folder / "people", folds=2, seed=0, store_size=(96, 96), skip_bad_images=True)
    run.begin(experiment, command=["benchmarks.loader"], settings={})
    config = config_of(NETWORK, 96, 32)
    loaders = {
        "epoch_worker": Loader(training_batches(config, run.experiment), workers=1),
        "epoch_memory": Held(torch.randint(0, 256, (32, 96, 96, 3), dtype=torch.uint8)),
    }
    made = {name: (trainer(run, config, loader, device, images), count()) for name, loader in loaders.items()}
    jobs = {name: lambda epochs=epochs, n=n: epochs.train(next(n)) for name, (epochs, n) in made.items()}
    return interleaved(jobs, rounds, time.perf_counter)


def _asked(loader: Loader, rows: np.ndarray, epoch: int) -> None:
    for _ in stream_to_device(loader.train(rows, BATCH, epoch), torch.device("cpu")):
        pass
