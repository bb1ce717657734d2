"""A step's gradients as one launch: recorded once for each form of batch, then replayed.

A small network asks its device for a thousand kernels a step and waits for their launching, not for their work. As a
CUDA graph (Nguyen et al., "Accelerating PyTorch with CUDA Graphs", 2021) they are launched together. The numbers are
those of the same kernels launched one by one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

MOST = 4  # forms that are kept: two sizes of batch, of whole and of mixed targets
WARM_UP = 3  # of cuDNN's choices and workspaces, which may not be made while recording

# What is recorded: reads inputs that stay where they are, leaves gradients, returns the loss, a scalar.
Work = Callable[[], Tensor]
# Records without a lasting effect; (what runs it again, the loss that it then writes to).
Record = Callable[[Work], tuple[Callable[[], None], Tensor]]
# The gradients of a batch (inputs, targets, how much each row counts or None); its loss.
Gradients = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def record_cuda(work: Work) -> tuple[Callable[[], None], Tensor]:
    """As torch's notes on CUDA graphs have it: first on a stream of its own, then recorded."""
    side, here = torch.cuda.Stream(), torch.cuda.current_stream()
    side.wait_stream(here)
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            work()
    here.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = work()
    return graph.replay, loss


@contextmanager
def unchanged(network: nn.Module, device: torch.device) -> Iterator[None]:
    """What is tried inside leaves neither statistics nor gradients in the network, nor draws random numbers."""
    before = [buffer.clone() for buffer in network.buffers()]
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(network.buffers(), before, strict=True):
                buffer.copy_(value)
        for parameter in network.parameters():
            parameter.grad = None


class Recorded:
    """The gradients of batches of one form, in memory of their own."""

    def __init__(self, network: nn.Module, gradients: Gradients, values: tuple[Tensor | None, ...], record: Record):
        self.trained = [p for p in network.parameters() if p.requires_grad]
        self.inputs = [None if value is None else value.clone() for value in values]

        def work() -> Tensor:
            for parameter in self.trained:  # written anew, not added to
                parameter.grad = None
            return gradients(*self.inputs)  # type: ignore[arg-type]

        self.replay, self.loss = record(work)
        self.gradients = [parameter.grad for parameter in self.trained]

    def __call__(self, *values: Tensor | None) -> Tensor:
        for mine, value in zip(self.inputs, values, strict=True):
            if mine is not None:
                mine.copy_(value, non_blocking=True)  # type: ignore[arg-type]
        self.replay()
        for parameter, gradient in zip(self.trained, self.gradients, strict=True):
            parameter.grad = gradient
        return self.loss.clone()  # the next replay writes there


@dataclass
class Graphs:
    """Recordings of a network by form of batch. lacking: why one could not be recorded, the last time."""

    network: nn.Module
    device: torch.device
    record: Record = record_cuda
    held: dict[object, Recorded | None] = field(default_factory=dict)
    lacking: str = ""

    def of(self, name: object, gradients: Gradients, values: tuple[Tensor | None, ...]) -> Recorded | None:
        """The recording of `gradients`, known by `name`, for batches like these; None: it has to do without.

        A loss that waits for the device, or a memory that is too small, cannot be recorded, and is not tried again.
        """
        key = (name, *(None if v is None else (v.shape, v.dtype, v.stride()) for v in values))
        if key not in self.held and len(self.held) < MOST:
            self.held[key] = self._try(gradients, values)
        return self.held.get(key)

    def _try(self, gradients: Gradients, values: tuple[Tensor | None, ...]) -> Recorded | None:
        made = None
        try:
            with unchanged(self.network, self.device):
                made = Recorded(self.network, gradients, values, self.record)
        except RuntimeError as error:  # OutOfMemoryError among them
            self.lacking = " ".join(str(error).split())
        if made is None and self.device.type == "cuda":
            torch.cuda.empty_cache()
        return made
