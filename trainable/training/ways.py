"""How a network is called in training: operation by operation, recorded as one launch, or compiled.

Which of them is fastest depends on device and network, so it is measured on a run's first batch of each kind, written
into the run and kept to (`trainable.run.ways`). On a CPU nothing is measured unless `compile` asks for it: the default
there is to call operation by operation.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from trainable.config import TrialConfig
from trainable.graphs import Gradients, Graphs, Record, record_cuda, unchanged
from trainable.models.compile import compiled
from trainable.run.ways import Way, Ways
from trainable.training.losses import Loss

EAGER, GRAPH, COMPILED = "eager", "graph", "compiled"
ROUNDS, STEPS = 5, 4  # of each way in turn; batches a round
GAIN = 1.03  # times as fast as without: less is noise


def offered(asked: bool | str, device: torch.device) -> tuple[str, ...]:
    """The ways that come into question; a compiled network is recorded as well where that can be."""
    if asked is False or (asked == "auto" and device.type != "cuda"):
        return (EAGER,)
    return (EAGER, *((GRAPH,) if device.type == "cuda" else ()), *((COMPILED,) if asked is True else ()))


def kind_of(config: TrialConfig, *, bf16: bool) -> str:
    """What the fastest way depends on, in words."""
    (height, width), m = config.input.size, config.model
    frozen = f", freeze {m.freeze}" if m.freeze else ""
    frozen += ", batch_norm kept" if m.batch_norm == "kept" else ""
    number = "bf16" if bf16 else "fp32"
    return f"{m.backbone} {height}x{width}, {config.batch_size} images, {number}{frozen}, compile {config.compile}"


@dataclass
class Caller:
    """Calls one network in training, by the way that is decided on its first batch.

    model: as it was built. network: what is called, the compiled one where that was decided.
    """

    model: nn.Module
    asked: bool | str
    kind: str
    device: torch.device
    bf16: bool
    ways: Ways = field(default_factory=Ways)
    record: Record = record_cuda
    network: nn.Module = field(init=False)
    graphs: Graphs | None = None
    decided: Way | None = None
    _compiled: nn.Module | None = None

    def __post_init__(self) -> None:
        self.network = self.model

    def recorded(self, loss_of: Loss, inputs: Tensor, targets: Tensor, share: Tensor | None) -> Tensor | None:
        """Leave the gradients of a whole batch and return its loss, in one launch; None: that was not decided."""
        if self.graphs is None:
            return None
        values = (inputs, targets, share)
        found = self.graphs.of(loss_of, self._of(self.network, loss_of), values)
        return None if found is None else found(*values)

    def decide(self, loss_of: Loss, inputs: Tensor, targets: Tensor, share: Tensor | None) -> None:
        """Settle how this network is called, once; gradients that are there are lost where it has to be measured.

        inputs: float [B, ...] as the network takes them. targets: int64 [B] or float32 [B, C]. share: float32 [B], how
        much the loss of a row counts.
        """
        if self.decided is not None:
            return
        ways = offered(self.asked, self.device)
        if len(ways) == 1:
            self.decided = Way(EAGER, {})
            return
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        values = (inputs, targets, share)
        self.decided = self.ways.find(name, self.kind, lambda: self._measure(ways, loss_of, values))
        self._take(self.decided.way)

    def _take(self, way: str) -> None:
        if way == COMPILED and self._compiled is None:
            self._compiled = compiled(self.model)
        self.network = self._compiled if way == COMPILED and self._compiled is not None else self.model
        recorded = way != EAGER and GRAPH in offered(self.asked, self.device)
        self.graphs = Graphs(self.model, self.device, self.record) if recorded else None

    def _measure(self, ways: tuple[str, ...], loss_of: Loss, values: tuple[Tensor, Tensor, Tensor | None]) -> Way:
        """Each way in turn on one batch; the network is as before, only its random weights have been looked at."""
        jobs: dict[str, Callable[[], object]] = {}
        for way in ways:
            self._take(way)
            work = self._of(self.network, loss_of)
            if self.graphs is not None:
                recorded = self.graphs.of(loss_of, work, values)
                if recorded is None:
                    continue
                work = recorded
            jobs[way] = partial(self._anew, work, values)
        with unchanged(self.model, self.device):
            seconds = _timed(jobs, self.device)
        best = min(seconds, key=seconds.__getitem__)
        best = best if seconds[EAGER] > GAIN * seconds[best] else EAGER
        refused = "compile" if self.asked is True and best != COMPILED else ""
        if refused:
            each = ", ".join(f"{way} {1000 * taken:.3g} ms" for way, taken in seconds.items())
            print(f"warning: compile is not what is fastest for {self.kind} ({each} a batch): trained {best} instead")
        return Way(best, seconds, refused)

    def _anew(self, work: Gradients, values: tuple[Tensor, Tensor, Tensor | None]) -> Tensor:
        self.model.zero_grad(set_to_none=True)
        return work(*values)

    def _of(self, network: nn.Module, loss_of: Loss) -> Gradients:
        def gradients(inputs: Tensor, targets: Tensor, share: Tensor | None) -> Tensor:
            with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.bf16):
                logits = network(inputs)
            loss = loss_of(logits.float(), targets, share)
            loss.backward()
            return loss.detach()

        return gradients


def _timed(jobs: dict[str, Callable[[], object]], device: torch.device) -> dict[str, float]:
    """Median seconds of a batch, in turns; a first turn does not count."""
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(ROUNDS + 1):
        for name, job in jobs.items():
            began = _now(device)
            for _ in range(STEPS):
                job()
            if turn:
                found[name].append((_now(device) - began) / STEPS)
    return {name: sorted(times)[ROUNDS // 2] for name, times in found.items()}


def _now(device: torch.device) -> float:
    """Seconds, when the device has done all that it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
