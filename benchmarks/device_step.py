"""Part `step`: what feeds a GPU and how it is called, network by network; and that the numbers are right."""

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler

from benchmarks.device_parts import Record, Scale, clock, epochs, median_ratio, photos, rounds
from benchmarks.loader import Baseline
from benchmarks.step_parts import Held, config_of, trainer
from trainable.images.loader import Loader
from trainable.models.build import build_model
from trainable.run import Run
from trainable.training.batches import training_batches


def step(folder: Path, device: torch.device, scale: Scale, record: Record) -> None:
    run, began = photos(folder, scale), time.monotonic()
    record.put("same_rows", same_batches(run, scale))
    for number, (name, size) in enumerate(scale.networks, 1):
        until = began + scale.seconds * number / len(scale.networks)
        record.put("loss_difference", loss_difference(run, name, size, device, scale), name)
        speeds(run, name, size, device, scale, record, until)


def same_batches(run: Run, scale: Scale) -> bool:
    """Whether batches come from workers as they are made in this process: the same rows, order and pixels."""
    batches = training_batches(config_of("resnet18", scale.networks[0][1], scale.batch), run.experiment)
    rows = run.folds.train_rows(0)[: 4 * scale.batch]
    here, there = (Loader(batches, workers=workers).train(rows, scale.batch, 3) for workers in (0, scale.workers))
    return all(np.array_equal(a, b) and torch.equal(x, y) for (a, x), (b, y) in zip(here, there, strict=True))


def loss_difference(run: Run, name: str, size: int, device: torch.device, scale: Scale) -> float:
    """Of the mean loss of a short epoch, as it is trained here from that in fp32, one operation after another."""
    found = []
    for changes in ({}, {"precision": "fp32", "compile": False}):
        config = config_of(name, size, scale.batch, **changes)
        loader = Loader(training_batches(config, run.experiment))
        found.append(trainer(run, config, loader, device, 4 * scale.batch).train(0)[0])
    return abs(found[0] - found[1]) / found[1]


def speeds(run: Run, name: str, size: int, device: torch.device, scale: Scale, record: Record, until: float) -> None:
    """Images/s from the store; over a batch on the device, the usual way, and one launch after another."""
    config, pin = config_of(name, size, scale.batch), device.type == "cuda"
    loader = Loader(training_batches(config, run.experiment), workers=scale.workers, pin=pin)
    held = Held(torch.randint(0, 256, (scale.batch, size, size, 3), dtype=torch.uint8, device=device))
    one_by_one = config_of(name, size, scale.batch, compile=False)
    files = [run.manifest.root / file for file in run.manifest.frame["image"]]
    made = trainer(run, config, held, device, scale.images)
    jobs: dict[str, Callable[[], object]] = {
        "store": epochs(trainer(run, config, loader, device, scale.images)),
        "held": epochs(made),
        "one_by_one": epochs(trainer(run, one_by_one, held, device, scale.images)),
        "baseline": baseline(files, name, size, device, scale),
    }
    for seconds in rounds(jobs, scale.rounds, until, clock(device)):
        record.put("images_per_second", scale.images / float(np.median(seconds["store"])), name)
        record.put("store_over_held", median_ratio(seconds["held"], seconds["store"]), name)
        record.put("over_baseline", median_ratio(seconds["baseline"], seconds["store"]), name)
        record.put("graph_speedup", median_ratio(seconds["one_by_one"], seconds["held"]), name)
    record.put("host_waits", host_waits(jobs["held"], device), name)
    decided = made.steps.caller.decided
    record.put("way", decided.way if decided else "", name)


def host_waits(epoch: Callable[[], object], device: torch.device) -> int:
    """How often the host waits for what the device computes in an epoch: once, for the loss at its end. 0 on a CPU."""
    if device.type != "cuda":
        return 0
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            epoch()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in told)


def baseline(files: list[Path], name: str, size: int, device: torch.device, scale: Scale) -> Callable[[], None]:
    """fp32, contiguous, Pillow and torchvision in as many workers, a copy and a loss that the host waits for."""
    workers = {"num_workers": scale.workers, "persistent_workers": True, "multiprocessing_context": "spawn"}
    seen = Baseline(files, size)
    drawn = RandomSampler(seen, replacement=True, num_samples=scale.images)
    batches = DataLoader(seen, scale.batch, sampler=drawn, **(workers if scale.workers else {}))  # type: ignore[arg-type]
    model = build_model(name, classes=18, size=(size, size)).to(device)
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
