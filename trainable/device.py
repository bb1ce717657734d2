"""Batches on their way to the device."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor


def to_device(array: np.ndarray, device: torch.device) -> Tensor:
    """A small array on the device. From pinned memory: a copy from elsewhere may wait for what the device does."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def stream_to_device(
    batches: Iterable[tuple[np.ndarray, Tensor]], device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """(rows int64 [B], images uint8 [B, H, W, 3]), both on the device, from batches in the host's memory.

    A GPU copies on a stream of its own while the network works on the batch before: whoever iterates queues a step
    and comes back at once, as nothing here or there waits for the device. Labels are best kept on the device whole;
    `labels[rows]` then costs neither a copy nor a wait.
    """
    if device.type != "cuda":
        for rows, images in batches:
            yield to_device(rows, device), images.to(device)
        return
    side, network = torch.cuda.Stream(device), torch.cuda.current_stream(device)
    for rows, images in batches:
        with torch.cuda.stream(side):
            moved = to_device(rows, device), images.to(device, non_blocking=True)
        network.wait_stream(side)  # the device's streams wait for each other, the host for neither
        for tensor in moved:
            tensor.record_stream(network)  # made on one stream, used on another: not to be reused before
        yield moved
