"""Part `memory`: a step that does not fit the memory it is given is done in parts, and comes to the same loss."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.device_parts import Record, Scale, photos
from benchmarks.step_parts import config_of, trainer
from trainable.images.loader import Loader
from trainable.training.batches import training_batches

SHARE = 0.6  # of what the whole step took
BATCHES = 4


def memory(folder: Path, device: torch.device, scale: Scale, record: Record) -> None:
    """In fp32, with the last network: its normalisation knows no batches, so that parts come to the whole's loss."""
    run, (name, size) = photos(folder, scale), scale.networks[-1]
    config = config_of(name, size, scale.batch, precision="fp32", compile=False)
    losses, fraction = [], 1.0
    for _ in range(2):
        loader = Loader(training_batches(config, run.experiment))
        with _at_most(fraction, device):
            made = trainer(run, config, loader, device, BATCHES * scale.batch)
            losses.append(made.train(0)[0])
        if device.type == "cuda":
            total = torch.cuda.get_device_properties(device).total_memory
            fraction = SHARE * torch.cuda.max_memory_reserved(device) / total
    record.put("memory_micro_batch", made.state.micro_batch, name)
    record.put("memory_loss_difference", abs(losses[0] - losses[1]), name)


@contextmanager
def _at_most(fraction: float, device: torch.device) -> Iterator[None]:
    """This process gets no more of the device's memory. A CPU's cannot be limited."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    torch.cuda.set_per_process_memory_fraction(fraction)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
