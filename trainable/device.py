"""Batches on their way to the device, through the few calls that a device must have."""

import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

AHEAD = 2  # batches whose copies may be on their way; more would only hold slots


class Event(Protocol):
    """A point in what a device has been asked to do."""

    def query(self) -> bool:
        """Whether the device has passed it."""

    def synchronize(self) -> None:
        """Wait until it has."""


class Device(Protocol):
    """All that the way of a batch needs of a device; tests rehearse on one that is slow, fails or is lost."""

    def pin(self, memory: np.ndarray) -> None:
        """From now on the device reads this memory of the host by itself."""

    def unpin(self, memory: np.ndarray) -> None:
        """And no longer. Waits for copies that are on their way."""

    def copy(self, rows: np.ndarray, images: Tensor) -> tuple[Tensor, Tensor, Event | None]:
        """Both on the device, in order with what it is asked to do next, and when the host's are no longer read.

        None: `images` itself is handed on, to be kept as long as it is used. Raises RuntimeError where the device
        cannot.
        """


class Cpu:
    """The host's own memory is where the network reads: nothing is copied."""

    def pin(self, memory: np.ndarray) -> None: ...

    def unpin(self, memory: np.ndarray) -> None: ...

    def copy(self, rows: np.ndarray, images: Tensor) -> tuple[Tensor, Tensor, Event | None]:
        return torch.from_numpy(rows), images, None


class Cuda:
    """Copies run on a stream of their own, while the network works on the batch before."""

    def __init__(self) -> None:
        self.side: torch.cuda.Stream | None = None

    def pin(self, memory: np.ndarray) -> None:
        runtime = torch.cuda.cudart()
        portable = 1  # cudaHostRegisterPortable
        if error := int(runtime.cudaHostRegister(memory.ctypes.data, memory.nbytes, portable)):
            warnings.warn(
                f"batches are copied slowly: their memory could not be pinned (CUDA error {error})", stacklevel=2
            )

    def unpin(self, memory: np.ndarray) -> None:
        torch.cuda.synchronize()
        torch.cuda.cudart().cudaHostUnregister(memory.ctypes.data)

    def copy(self, rows: np.ndarray, images: Tensor) -> tuple[Tensor, Tensor, Event | None]:
        self.side = self.side or torch.cuda.Stream()
        network, done = torch.cuda.current_stream(), torch.cuda.Event()
        with torch.cuda.stream(self.side):
            moved = to_device(rows, self.side.device), images.to(self.side.device, non_blocking=True)
            done.record()
        network.wait_event(done)  # the device's streams wait for each other, the host for neither
        for tensor in moved:
            tensor.record_stream(network)  # made on one stream, used on another: not to be reused before
        return *moved, done


CPU, CUDA = Cpu(), Cuda()
DEVICES: dict[str, Device] = {"cpu": CPU, "cuda": CUDA}


def to_device(array: np.ndarray, device: torch.device) -> Tensor:
    """A small array on the device. From pinned memory: a copy from elsewhere may wait for what the device does."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def stream_to_device(
    batches: Iterable[tuple[np.ndarray, Tensor]], device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """(rows int64 [B], images uint8 [B, H, W, 3]), both on the device, from batches in the host's memory.

    Whoever iterates queues a step and comes back at once, as nothing here or there waits for what the device computes.
    A batch's memory on the host is let go, to be filled anew, when the device has read it. Labels are best kept on the
    device whole; `labels[rows]` then costs neither a copy nor a wait.
    """
    line, on_their_way = DEVICES[device.type], deque[tuple[Event, Tensor]]()
    for rows, images in batches:
        there, seen, done = line.copy(rows, images)
        if done is not None:
            on_their_way.append((done, images))
        del images
        yield there, seen
        del there, seen  # not held here while the next one is made
        while on_their_way and (len(on_their_way) >= AHEAD or on_their_way[0][0].query()):
            on_their_way.popleft()[0].synchronize()


def this_device() -> torch.device:
    """Where this process trains: the GPU that it sees first, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
