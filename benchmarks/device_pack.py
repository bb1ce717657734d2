"""Part `pack`: trials that share a GPU against the same ones after another. Needs no Ray: they are plain processes."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from benchmarks.device_parts import Record, Scale, clock, epochs, median_ratio, photos, rounds
from benchmarks.step_parts import config_of, trainer
from trainable.images.loader import Loader
from trainable.run import Run
from trainable.training.batches import training_batches


def pack(folder: Path, device: torch.device, scale: Scale, record: Record) -> None:
    """Seconds of the trials one after another, each with the whole device and all workers, over seconds at once."""
    run, until, share = photos(folder, scale), time.monotonic() + scale.seconds, 1 / scale.trials
    with (
        processes(run, device, scale, 1, 1.0, scale.workers) as (alone,),
        processes(run, device, scale, scale.trials, share, scale.workers // scale.trials) as packed,
    ):
        jobs = {
            "one after another": lambda: [(alone.send(True), alone.recv()) for _ in range(scale.trials)],
            "at once": lambda: ([pipe.send(True) for pipe in packed], [pipe.recv() for pipe in packed]),
        }
        for seconds in rounds(jobs, scale.rounds, until, time.perf_counter):
            record.put("four_together", median_ratio(seconds["one after another"], seconds["at once"]))


@contextmanager
def processes(
    run: Run, device: torch.device, scale: Scale, trials: int, share: float, workers: int
) -> Iterator[list[Connection]]:
    """Trials in processes of their own; each answers a message on its pipe after another epoch."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe() for _ in range(trials)]
    started = []
    try:
        for _, theirs in pipes:
            started.append(spawn.Process(target=_trial, args=(theirs, run, device, scale, share, workers)))
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


def _trial(pipe: Connection, run: Run, device: torch.device, scale: Scale, share: float, workers: int) -> None:
    torch.set_num_threads(max(1, int((os.cpu_count() or 1) * share)))
    if device.type == "cuda":
        torch.cuda.set_per_process_memory_fraction(share)
    name, size = scale.networks[0]
    config, pin = config_of(name, size, scale.batch), device.type == "cuda"
    loader = Loader(training_batches(config, run.experiment), workers=workers, pin=pin)
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
