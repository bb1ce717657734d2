"""The benchmarks of speed: what they import, and the code of their GPU rows, which runs on a CPU at another scale."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.loader_ring import of_the_ring, through_the_ring
from benchmarks.measure import interleaved, ratio
from benchmarks.step_gpu import Scale, on_gpu

ABSENT = """
import sys
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("ray", "optuna", "numba", "cmaes", "tensorboard", "matplotlib", "pytorch_grad_cam"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import benchmarks.loader, benchmarks.predict, benchmarks.step
"""


@pytest.mark.slow
def test_speed_is_measured_where_neither_ray_nor_optuna_can_be_imported() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", ABSENT], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_rows_about_workers_follow_from_their_seconds(tmp_path: Path) -> None:
    seconds = through_the_ring(tmp_path, 1, images=128, trained=32)
    asking = seconds["asking"] = [0.0003, 0.0004, 0.0005]
    seconds |= {"workers_0": [2.0] * 3, "workers_1": [2.0, 2.5, 4.0], "workers_2": [1.0, 1.25, 2.0]}
    found = of_the_ring(seconds)
    assert found["training_process_ms_per_batch"] == asking[1] * 1000
    assert (found["ring_1"], found["ring_2"]) == (0.8, 0.8) and found["epoch_with_worker"] > 0


@pytest.mark.slow
def test_rows_of_a_gpu_are_measured_by_code_that_runs(tmp_path: Path) -> None:
    scale = Scale(
        networks=("test_vit",),
        people=6,
        store=32,
        size=32,
        batch=4,
        images=8,
        rounds=1,
        workers=0,
        trials=2,
        compile=False,
    )
    found = on_gpu(tmp_path, torch.device("cpu"), scale)
    assert set(found) == {"gpu", "gpu_four_trials_together"}
    assert set(found["gpu"]["test_vit"]) == {"images_per_second", "ratio_vs_held", "ratio_vs_baseline"}
    assert all(value > 0 for value in [*found["gpu"]["test_vit"].values(), found["gpu_four_trials_together"]])


def test_jobs_take_turns_and_the_first_round_does_not_count() -> None:
    done: list[str] = []
    times = iter(range(100))
    seconds = interleaved({n: lambda n=n: done.append(n) for n in "ab"}, 3, lambda: next(times))
    assert "".join(done) == "abbaabba"
    assert seconds == {"a": [1, 1, 1], "b": [1, 1, 1]}
    assert ratio([2.0, 9.0, 4.0], [1.0, 3.0, 1.0]) == 3.0
