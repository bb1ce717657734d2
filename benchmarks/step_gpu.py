"""The rows of `benchmarks.step` that need a GPU. On a CPU the same code runs at another scale, for its test.

Every epoch has the same number of images, drawn from the store, from one batch on the device, or from JPEG files. Needs
neither Ray nor Optuna: the trials that share a GPU are plain processes, each with its part of the memory.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler

from benchmarks.loader import Baseline
from benchmarks.measure import interleaved, ratio, rounded
from benchmarks.step_parts import Held, config_of, trainer
from trainable.images.loader import Loader
from trainable.models.build import build_model
from trainable.run import Run, prepare
from trainable.sample.write import generate
from trainable.training.batches import training_batches
from trainable.training.epochs import Epochs


@dataclass(frozen=True)
class Scale:
    """`images` an epoch; `size` and `store` in pixels a side; `workers` that make batches, over all trials at once."""

    networks: tuple[str, ...] = ("resnet18", "efficientnet_b0", "convnext_tiny")
    people: int = 300
    store: int = 256
    size: int = 224
    batch: int = 64
    images: int = 8192
    rounds: int = 5
    workers: int = max(4, (os.cpu_count() or 2) - 2)
    trials: int = 4
    compile: bool = True


def on_gpu(folder: Path, device: torch.device, scale: Scale) -> dict[str, Any]:
    """By network: images/s from the store, and over the alternatives; four trials at once over one after another."""
    generate(folder / "photos", scale.people, 6, 0, os.cpu_count() or 1)
    run, side = Run(folder / "gpu"), (scale.store, scale.store)
    experiment = prepare(folder / "photos", folds=5, seed=0, store_size=side, skip_bad_images=True)
    run.begin(experiment, command=["benchmarks.step"], settings={})
    return {
        "gpu": {name: speeds(run, name, device, scale) for name in scale.networks},
        "gpu_four_trials_together": rounded(together(run, scale.networks[0], device, scale)),
    }


def speeds(run: Run, backbone: str, device: torch.device, scale: Scale) -> dict[str, float]:
    config = config_of(backbone, scale.size, scale.batch)
    loader = Loader(training_batches(config, run.experiment), workers=scale.workers, pin=device.type == "cuda")
    held = Held(torch.randint(0, 256, (scale.batch, scale.size, scale.size, 3), dtype=torch.uint8, device=device))
    files = [run.manifest.root / name for name in run.manifest.frame["image"]]
    jobs = {
        "store": epochs(trainer(run, config, loader, device, scale.images)),
        "held": epochs(trainer(run, config, held, device, scale.images)),
        "baseline": baseline(files, backbone, device, scale),
    }
    found = {}
    if scale.compile:
        faster = config_of(backbone, scale.size, scale.batch, compile=True)
        jobs["compiled"] = epochs(trainer(run, faster, held, device, scale.images))
        begun = time.perf_counter()
        jobs["compiled"]()
        found["compile_seconds"] = rounded(time.perf_counter() - begun)
    seconds = interleaved(jobs, scale.rounds, clock(device))
    if scale.compile:
        found["ratio_compiled"] = rounded(ratio(seconds["held"], seconds["compiled"]))
    return found | {
        "images_per_second": rounded(scale.images / float(np.median(seconds["store"]))),
        "ratio_vs_held": rounded(ratio(seconds["held"], seconds["store"])),
        "ratio_vs_baseline": rounded(ratio(seconds["baseline"], seconds["store"])),
    }


def epochs(made: Epochs) -> Callable[[], object]:
    """A function that trains the next epoch."""
    number = count()
    return lambda: made.train(next(number))


def baseline(files: list[Path], backbone: str, device: torch.device, scale: Scale) -> Callable[[], None]:
    """fp32, contiguous, Pillow and torchvision in as many workers, a copy and a loss that the host waits for."""
    workers = {"num_workers": scale.workers, "persistent_workers": True, "multiprocessing_context": "spawn"}
    photos = Baseline(files, scale.size)
    drawn = RandomSampler(photos, replacement=True, num_samples=scale.images)
    batches = DataLoader(photos, scale.batch, sampler=drawn, **(workers if scale.workers else {}))  # type: ignore[arg-type]
    model = build_model(backbone, classes=18, size=(scale.size, scale.size)).to(device)
    optimiser = torch.optim.AdamW(model.parameters())

    def epoch() -> None:
        model.train()
        for images in batches:
            targets = torch.zeros(len(images), dtype=torch.long).to(device)
            loss = torch.nn.functional.cross_entropy(model(images.to(device)), targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss.item()

    return epoch


def together(run: Run, backbone: str, device: torch.device, scale: Scale) -> float:
    """Seconds of the trials one after another, each with the whole device and all workers, over seconds at once."""
    share = 1 / scale.trials
    with (
        processes(run, backbone, device, scale, 1, 1.0, scale.workers) as (alone,),
        processes(run, backbone, device, scale, scale.trials, share, scale.workers // scale.trials) as packed,
    ):
        jobs = {
            "one after another": lambda: [(alone.send(True), alone.recv()) for _ in range(scale.trials)],
            "at once": lambda: ([pipe.send(True) for pipe in packed], [pipe.recv() for pipe in packed]),
        }
        seconds = interleaved(jobs, scale.rounds, time.perf_counter)
    return ratio(seconds["one after another"], seconds["at once"])


@contextmanager
def processes(
    run: Run, backbone: str, device: torch.device, scale: Scale, trials: int, share: float, workers: int
) -> Iterator[list[Connection]]:
    """Trials in processes of their own; each answers a message on its pipe after another epoch."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe() for _ in range(trials)]
    started = []
    try:
        for _, theirs in pipes:
            started.append(spawn.Process(target=_trial, args=(theirs, run, backbone, device, scale, share, workers)))
            started[-1].start()
            theirs.close()  # or a trial that died would be waited for
        for mine, _ in pipes:
            assert mine.recv() == "ready"
        yield [mine for mine, _ in pipes]
    finally:
        for mine, _ in pipes:
            mine.close()  # the end of its messages is the end of a trial
        for process in started:
            process.join()


def _trial(
    pipe: Connection, run: Run, backbone: str, device: torch.device, scale: Scale, share: float, workers: int
) -> None:
    torch.set_num_threads(max(1, int((os.cpu_count() or 1) * share)))
    if device.type == "cuda":
        torch.cuda.set_per_process_memory_fraction(share)
    config = config_of(backbone, scale.size, scale.batch)
    loader = Loader(training_batches(config, run.experiment), workers=workers, pin=device.type == "cuda")
    epoch, now = epochs(trainer(run, config, loader, device, scale.images)), clock(device)
    epoch()
    pipe.send("ready")
    for _ in iter(lambda: _next(pipe), None):
        epoch()
        now()
        pipe.send("done")


def _next(pipe: Connection) -> bool | None:
    try:
        return pipe.recv()
    except EOFError:
        return None


def clock(device: torch.device) -> Callable[[], float]:
    """Seconds, when all that was asked of the device is done."""

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    return now
