"""How busy each node is: CPU, memory and GPUs in percent, as scalars over the seconds of the search."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
import pynvml
import ray
from torch.utils.tensorboard import SummaryWriter

EVERY = 10.0  # seconds
ANSWER = 5.0  # seconds that another node has to tell its load


def load() -> dict[str, float]:
    """Of the machine that calls; the first call only starts the CPU's clock."""
    found = {"cpu_percent": psutil.cpu_percent(None), "memory_percent": psutil.virtual_memory().percent}
    # No driver, a part of a card (MIG), a container that may not ask: what is refused is left out.
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        for i in range(pynvml.nvmlDeviceGetCount()):
            with suppress(pynvml.NVMLError):
                found |= _gpu(i)
    return found


def _gpu(i: int) -> dict[str, float]:
    """What card `i` says of itself."""
    found = {}
    device = pynvml.nvmlDeviceGetHandleByIndex(i)
    with suppress(pynvml.NVMLError):
        found[f"gpu_{i}_percent"] = float(pynvml.nvmlDeviceGetUtilizationRates(device).gpu)
    with suppress(pynvml.NVMLError):
        memory = pynvml.nvmlDeviceGetMemoryInfo(device)
        found[f"gpu_{i}_memory_percent"] = 100 * memory.used / memory.total
    return found


class Meter:
    """Runs on another node, as a Ray actor that takes no CPU of its own."""

    def read(self) -> dict[str, float]:
        return load()


class NodeLoad:
    """A thread that asks every node; this machine is measured without an actor."""

    def __init__(self, writer_of: Callable[[str], SummaryWriter], every: float = EVERY) -> None:
        self.writer_of, self.every = writer_of, every
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="node load", daemon=True)
        self.meters: dict[str, Any] = {}
        self.began = time.monotonic()

    def start(self) -> None:
        load()
        self.thread.start()

    def stop(self) -> None:
        """A last point too, so that the shortest search has one."""
        self.over.set()
        self.thread.join(2 * ANSWER)
        self.write()

    def _run(self) -> None:
        while not self.over.wait(self.every):
            self.write()

    def write(self) -> None:
        """One point of every node."""
        step = round(time.monotonic() - self.began)
        for node, found in self.read().items():
            for name, value in found.items():
                self.writer_of(node).add_scalar(f"load/{name}", value, step)

    def read(self) -> dict[str, dict[str, float]]:
        """{node: load}; a node that does not answer is left out."""
        if not ray.is_initialized():
            return {"here": load()}
        here, found, asked = ray.get_runtime_context().get_node_id(), {}, {}
        for node in ray.nodes():
            if not node["Alive"]:
                continue
            name, identity = node["NodeManagerAddress"].replace(":", "_"), node["NodeID"]
            if identity == here:
                found[name] = load()
                continue
            if identity not in self.meters:
                place = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(identity, soft=False)
                self.meters[identity] = ray.remote(num_cpus=0)(Meter).options(scheduling_strategy=place).remote()
            asked[self.meters[identity].read.remote()] = name, identity
        done, _ = ray.wait([*asked], num_returns=len(asked), timeout=ANSWER) if asked else ([], [])
        for answer in done:
            name, identity = asked[answer]
            try:
                found[name] = ray.get(answer)
            except ray.exceptions.RayError:  # the node has gone, or only its actor: then the next round makes another
                del self.meters[identity]
        return found
