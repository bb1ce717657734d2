"""What the parts of `benchmarks.device` share: scale, what is written as it comes, a clock that stops them."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import rounded
from trainable.files import write_text
from trainable.run import Run, prepare
from trainable.sample.write import generate
from trainable.training.epochs import Epochs

SMALL = ("tf_efficientnet_lite0", 128)  # the network whose steps wait for their launching


@dataclass(frozen=True)
class Scale:
    """`images` an epoch; sizes in pixels a side; `workers` that make batches, over all trials at once.

    seconds: of a part, at most. hours: of the search. smoke: whether the search is one of tiny networks.
    """

    networks: tuple[tuple[str, int], ...] = (SMALL, ("resnet18", 224), ("efficientnet_b0", 224), ("convnext_tiny", 224))
    people: int = 300
    store: int = 256
    batch: int = 64
    images: int = 4096
    rounds: int = 5
    workers: int = max(4, (os.cpu_count() or 2) - 2)
    trials: int = 4
    seconds: float = 120.0
    hours: float = 2 / 60
    smoke: bool = False


@dataclass
class Record:
    """A JSON file that holds all that is known so far: whatever cuts the benchmark off loses nothing measured."""

    file: Path
    values: dict[str, Any] = field(default_factory=dict)

    def put(self, key: str, value: Any, name: str = "") -> None:
        """Note a figure, of the network `name` where it has one, print and write it."""
        value = rounded(value) if isinstance(value, float) else value
        if name:
            held = self.values.get(key)
            self.values[key] = {**(held if isinstance(held, dict) else {}), name: value}
        else:
            self.values[key] = value
        print(f"{key:22} {name:24} {value}", flush=True)
        write_text(self.file, json.dumps(self.values, indent=1) + "\n")


def photos(folder: Path, scale: Scale, data: Path | None = None) -> Run:
    """A run on generated photos, or on those of `data`; begun once a folder."""
    run = Run(folder / "run")
    if not run.begun:
        if data is None:
            data = folder / "photos"
            generate(data, scale.people, 6, 0, os.cpu_count() or 1)
        side = (scale.store, scale.store)
        experiment = prepare(data, folds=5, seed=0, store_size=side, skip_bad_images=True, say=lambda _: None)
        run.begin(experiment, command=["benchmarks.device"], settings={})
    return run


def epochs(made: Epochs) -> Callable[[], object]:
    """A function that trains the next epoch; its mean loss, last rate and number of images."""
    number = count()
    return lambda: made.train(next(number))


def rounds(
    jobs: Mapping[str, Callable[[], object]], most: int, until: float, now: Callable[[], float]
) -> Iterator[dict[str, list[float]]]:
    """Seconds of each job so far, in turn and in turn backwards, after every round but the first: one, more in time.

    until: on time.monotonic. now: seconds, when all that was asked of the device is done.
    """
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(most + 1):
        began = time.monotonic()
        for name, job in list(jobs.items())[:: 1 - 2 * (turn % 2)]:
            start = now()
            job()
            if turn:
                found[name].append(now() - start)
        if turn:
            yield found
        if turn and time.monotonic() + (time.monotonic() - began) > until:
            return


def median_ratio(above: list[float], below: list[float]) -> float:
    """Median of the ratios round by round."""
    return float(np.median(np.array(above) / np.array(below)))


def clock(device: torch.device) -> Callable[[], float]:
    """Seconds, when all that was asked of the device is done."""

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    return now
