"""What an epoch costs beyond its arithmetic.

    python -m benchmarks.step [--out benchmarks/results/step.json]

CPU: one epoch of training (store, augmentation "light", batches of 21, the step as trials run it) against the same
epoch with batches that lie in memory already, at 96 px on one thread; CPU seconds, interleaved, medians.
GPU, when there is one: images/s of training at 224 px from a store of 256 px with workers, against the same step on
one batch that lies on the device, and against fp32, contiguous, fed by Pillow and torchvision.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from benchmarks.loader import Baseline
from benchmarks.measure import NOT_MEASURED, arguments, finish, interleaved, ratio, rounded
from trainable.config import TrialConfig
from trainable.data.loader import Loader, split
from trainable.data.rows import training_rows
from trainable.data.sample import generate
from trainable.experiment import Experiment, prepare
from trainable.models import build_model, pixel_statistics
from trainable.predict import use_bf16
from trainable.store import RunPaths
from trainable.train import training_batches
from trainable.trainer import Trainer, new_learner

ROUNDS = {
    "test_resnet": 61,
    "test_vit": 81,
    "resnet18": 21,
}  # of 42 images: many short ones, since the machine's pace drifts
TARGETS = {"test_resnet": 1.05, "test_vit": 1.05, "resnet18": 1.02}
ON_GPU = ("resnet18", "efficientnet_b0", "convnext_tiny")


@dataclass
class Held:
    """A loader whose batches lie in memory already, on whatever device `images` is."""

    images: torch.Tensor

    def train(self, rows: np.ndarray, batch_size: int, epoch: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        for part in split(rows, batch_size):
            yield part, self.images[: len(part)]


def trainer(
    experiment: Experiment, backbone: str, loader: Any, device: torch.device, *, size: int, batch: int
) -> tuple[Trainer, int]:
    """The epochs of fold 0 as a trial runs them, and how many images one has."""
    config = _config(backbone, size, batch)
    training = training_rows(config, experiment.manifest, experiment.folds, 0)
    learner = new_learner(config, experiment, 0, device, experiment.paths.trial(f"{backbone}-{id(loader)}").fold(0))
    statistics = pixel_statistics(backbone, "imagenet", ((0.0,) * 3, (1.0,) * 3)).to(device)
    made = Trainer(config, learner, training, 0, loader, statistics, device, use_bf16("auto", device))
    return made, len(training.rows)


def on_cpu(folder: Path) -> dict[str, float]:
    """Epoch time from the store over epoch time from memory, by network."""
    generate(folder / "data", 12, 6, 0, 1)
    paths = RunPaths(folder / "run")
    experiment = prepare(folder / "data", paths, folds=2, seed=0, store_size=(96, 96), skip_bad_images=True)
    device, found = torch.device("cpu"), {}
    held = Held(torch.randint(0, 256, (32, 96, 96, 3), dtype=torch.uint8))
    for backbone in TARGETS:
        jobs = {}
        for name, loader in {"store": Loader(training_batches(_config(backbone), experiment)), "memory": held}.items():
            made, _ = trainer(experiment, backbone, loader, device, size=96, batch=32)
            epochs = count()
            jobs[name] = lambda made=made, epochs=epochs: made.epoch(next(epochs))
        seconds = interleaved(jobs, ROUNDS[backbone])
        found[backbone] = rounded(ratio(seconds["store"], seconds["memory"]), 4)
    return found


def on_gpu(folder: Path) -> dict[str, dict[str, float]]:
    """By network: images/s from the store over images/s of a batch on the device, and over the baseline's."""
    generate(folder / "photos", 300, 6, 0, os.cpu_count() or 1)
    paths = RunPaths(folder / "run224")
    experiment = prepare(folder / "photos", paths, folds=5, seed=0, store_size=(256, 256), skip_bad_images=True)
    device, found = torch.device("cuda"), {}
    workers = max(1, (os.cpu_count() or 2) - 2)
    files = [experiment.manifest.root / name for name in experiment.manifest.frame["image"]]
    slow = DataLoader(Baseline(files[:1024]), batch_size=64, num_workers=workers, persistent_workers=True)
    loader = Loader(training_batches(_config("resnet18", 224, 64), experiment), workers=workers, pin=True)
    held = Held(torch.randint(0, 256, (64, 224, 224, 3), dtype=torch.uint8, device=device))
    for backbone in ON_GPU:
        store, images = trainer(experiment, backbone, loader, device, size=224, batch=64)
        memory, _ = trainer(experiment, backbone, held, device, size=224, batch=64)
        plain = build_model(backbone, classes=18, size=(224, 224)).to(device)
        store_epochs, memory_epochs = count(), count()
        jobs = {
            "store": lambda store=store, epochs=store_epochs: store.epoch(next(epochs)),
            "memory": lambda memory=memory, epochs=memory_epochs: memory.epoch(next(epochs)),
            "baseline": lambda plain=plain: _plain_epoch(plain, slow, device),
        }
        seconds = interleaved(jobs, 5, _gpu_clock)
        a_second = {name: images / float(np.median(s)) for name, s in seconds.items() if name != "baseline"}
        a_second["baseline"] = 1024 / float(np.median(seconds["baseline"]))
        found[backbone] = {
            "images_per_second": rounded(a_second["store"]),
            "ratio_vs_held": rounded(a_second["store"] / a_second["memory"]),
            "ratio_vs_baseline": rounded(a_second["store"] / a_second["baseline"]),
        }
    return found


def _plain_epoch(model: torch.nn.Module, batches: DataLoader, device: torch.device) -> None:
    """fp32, contiguous, a copy that waits: the loop of most baselines."""
    optimiser = torch.optim.AdamW(model.parameters())
    model.train()
    for images in batches:
        loss = model(images.to(device)).logsumexp(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()


def _gpu_clock() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


def _config(backbone: str, size: int = 96, batch: int = 32) -> TrialConfig:
    return TrialConfig.from_dict(
        {
            "model": {"backbone": backbone, "pretrained": False},
            "input": {"size": (size, size)},
            "augment": {"policy": "light"},
            "batch_size": batch,
            "epochs": 10_000,
        }
    )


def main() -> None:
    out = arguments("step", __doc__)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FOLDVOTE_CACHE"] = f"{folder}/cache"
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        ratios = on_cpu(Path(folder))
        torch.set_num_threads(threads)
        gpu = on_gpu(Path(folder)) if torch.cuda.is_available() else NOT_MEASURED
    rows = [(f"CPU, 96 px, {name}: epoch / in memory", ratios[name], f"at most {TARGETS[name]}") for name in TARGETS]
    for name in ON_GPU:
        own = gpu[name] if isinstance(gpu, dict) else dict.fromkeys(("ratio_vs_held", "ratio_vs_baseline"), gpu)
        rows.append((f"GPU, 224 px, {name}: images/s / batch on the device", own["ratio_vs_held"], "at least 0.95"))
        rows.append((f"GPU, 224 px, {name}: images/s / baseline", own["ratio_vs_baseline"], "at least 3"))
    record = {"epoch_ratio": ratios, "device": "cpu", "clock": "CPU seconds, one thread", "gpu": gpu}
    finish(out, rows, record | {"gpu_four_trials_together": NOT_MEASURED})


if __name__ == "__main__":
    main()
