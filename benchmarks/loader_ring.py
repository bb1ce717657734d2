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

ROUNDS, EPOCH, BATCH, SIZE = 9, 2048, 64, (224, 224)
NETWORK, IMAGES = "resnet18", 256


def through_the_ring(folder: Path, rounds: int = ROUNDS, epoch: int = EPOCH) -> dict[str, float]:
    """ring_N: images/s with N workers over N times those of the loop without; what the process that asks computes."""
    pixels = folder / "photos.npy"
    np.save(pixels, np.random.default_rng(0).integers(0, 256, (256, 256, 256, 3), dtype=np.uint8))
    batches = Batches(pixels, np.arange(256), (1.0, 1.0), SIZE, "light", 0)
    rows, number = np.resize(np.arange(256), epoch), count()
    loaders = {workers: Loader(batches, workers=workers) for workers in (0, 1, 2)}
    jobs: dict[str, Callable[[], object]] = {
        f"ring_{workers}": lambda loader=loader: _asked(loader, rows, next(number))
        for workers, loader in loaders.items()
    }
    seconds = interleaved(jobs, rounds, time.perf_counter)
    own = interleaved({"ring_2": jobs["ring_2"]}, rounds, time.process_time)["ring_2"]
    return {
        "ring_1": rounded(ratio(seconds["ring_0"], seconds["ring_1"])),
        "ring_2": rounded(ratio(seconds["ring_0"], seconds["ring_2"]) / 2),
        "training_process_ms_per_batch": rounded(float(np.median(own)) * 1000 * BATCH / epoch),
    }


def an_epoch_with_workers(folder: Path, rounds: int = ROUNDS, images: int = IMAGES) -> dict[str, float]:
    """Wall time of a training epoch fed by a worker over that of one whose batches lie in memory."""
    os.environ["FOLDVOTE_CACHE"] = f"{folder}/cache"
    generate(folder / "people", 12, 6, 0, 1)
    run, device = Run(folder / "run"), torch.device("cpu")
    experiment = prepare(folder / "people", folds=2, seed=0, store_size=(96, 96), skip_bad_images=True)
    run.begin(experiment, command=["benchmarks.loader"], settings={})
    config = config_of(NETWORK, 96, 32)
    loaders = {
        "worker": Loader(training_batches(config, run.experiment), workers=1),
        "memory": Held(torch.randint(0, 256, (32, 96, 96, 3), dtype=torch.uint8)),
    }
    made = {name: (trainer(run, config, loader, device, images), count()) for name, loader in loaders.items()}
    jobs = {name: lambda epochs=epochs, n=n: epochs.train(next(n)) for name, (epochs, n) in made.items()}
    seconds = interleaved(jobs, rounds, time.perf_counter)
    return {"epoch_with_worker": rounded(ratio(seconds["worker"], seconds["memory"]))}


def _asked(loader: Loader, rows: np.ndarray, epoch: int) -> None:
    for _ in stream_to_device(loader.train(rows, BATCH, epoch), torch.device("cpu")):
        pass
