"""The load of each node: this machine's, GPUs, and another node's through an actor of real Ray."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from search.watch.tensorboard import nodes

ANOTHER = """
import json, time
import ray
from search.watch.tensorboard import nodes

ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
true = ray.nodes()[0]["NodeManagerAddress"]


class Elsewhere:
    def get_node_id(self):
        return "another machine than this node"


nodes.ray.get_runtime_context = Elsewhere
load = nodes.NodeLoad(lambda node: None)


def answered():
    end = time.monotonic() + 120
    while not (found := load.read()):  # the actor's process starts meanwhile
        assert time.monotonic() < end
    return found


first = answered()
(meter,) = load.meters.values()
ray.kill(meter)
end = time.monotonic() + 120
while load.meters and next(iter(load.meters.values())) is meter:
    load.read()
    assert time.monotonic() < end
print(json.dumps([true, first, answered()]))
"""


@pytest.mark.slow
def test_another_node_is_asked_through_an_actor_and_through_a_new_one_when_that_has_died() -> None:
    done = subprocess.run([sys.executable, "-c", ANOTHER], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    true, *rounds = json.loads(done.stdout.splitlines()[-1])
    for found in rounds:
        assert list(found) == [true]
        assert {"cpu_percent", "memory_percent"} <= set(found[true])
        assert all(0 <= value <= 100 for value in found[true].values())


def test_every_gpu_has_its_load_and_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """NVML as a machine with two GPUs has it."""
    busy: dict[str, Any] = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda i: i,
        "nvmlDeviceGetMemoryInfo": lambda i: SimpleNamespace(used=(i + 1) * 20 * 2**30, total=80 * 2**30),
        "nvmlDeviceGetUtilizationRates": lambda i: SimpleNamespace(gpu=90 + i, memory=1),
    }
    for name, function in busy.items():
        monkeypatch.setattr(nodes.pynvml, name, function)
    found = nodes.load()
    assert {n: v for n, v in found.items() if n.startswith("gpu")} == {
        "gpu_0_percent": 90.0, "gpu_0_memory_percent": 25.0, "gpu_1_percent": 91.0, "gpu_1_memory_percent": 50.0
    }  # fmt: skip
