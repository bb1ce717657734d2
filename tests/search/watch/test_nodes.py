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


NVML: dict[str, Any] = {
    "nvmlInit": lambda: None,
    "nvmlDeviceGetCount": lambda: 2,
    "nvmlDeviceGetHandleByIndex": lambda i: i,
    "nvmlDeviceGetMemoryInfo": lambda i: SimpleNamespace(used=(i + 1) * 20 * 2**30, total=80 * 2**30),
    "nvmlDeviceGetUtilizationRates": lambda i: SimpleNamespace(gpu=90 + i, memory=1),
}


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
    for name, function in NVML.items():
        monkeypatch.setattr(nodes.pynvml, name, function)
    found = nodes.load()
    assert {n: v for n, v in found.items() if n.startswith("gpu")} == {
        "gpu_0_percent": 90.0, "gpu_0_memory_percent": 25.0, "gpu_1_percent": 91.0, "gpu_1_memory_percent": 50.0
    }  # fmt: skip


def refuse(*_: object) -> None:
    raise nodes.pynvml.NVMLError(nodes.pynvml.NVML_ERROR_NOT_SUPPORTED)


def of_two(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> set[str]:
    """What is known of a machine with two GPUs whose NVML answers as `changes` say."""
    for name, function in {**NVML, **changes}.items():
        monkeypatch.setattr(nodes.pynvml, name, function)
    found = nodes.load()
    assert {"cpu_percent", "memory_percent"} <= set(found)
    return {n for n in found if n.startswith("gpu")}


@pytest.mark.parametrize("function", ["nvmlInit", "nvmlDeviceGetCount"])
def test_where_nvml_refuses_there_is_the_rest(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """No driver, or a container that may not ask."""
    assert of_two(monkeypatch, **{function: refuse}) == set()


def test_a_part_of_a_card_has_no_load_and_still_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with MIG: the load of a part is not supported."""
    said = of_two(monkeypatch, nvmlDeviceGetUtilizationRates=refuse)
    assert said == {"gpu_0_memory_percent", "gpu_1_memory_percent"}


def test_a_card_that_may_not_be_asked_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    said = of_two(monkeypatch, nvmlDeviceGetHandleByIndex=lambda i: refuse() if i == 0 else i)
    assert said == {"gpu_1_percent", "gpu_1_memory_percent"}
