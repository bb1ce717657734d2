"""The benchmarks of speed: what they import, and the code of a GPU's figures, on a CPU at another scale."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import device
from benchmarks.device_parts import Record, Scale
from benchmarks.loader_ring import of_the_ring, through_the_ring
from benchmarks.measure import interleaved, ratio

ABSENT = """
import sys
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("ray", "optuna", "numba", "cmaes", "tensorboard", "matplotlib", "pytorch_grad_cam"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import benchmarks.checkpoints, benchmarks.device, benchmarks.loader, benchmarks.predict, benchmarks.step
"""


@pytest.mark.slow
def test_speed_is_measured_where_neither_ray_nor_optuna_can_be_imported() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", ABSENT], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SMALL = Scale(
    networks=(("test_vit", 32),), people=6, store=32, batch=4, images=8, rounds=1, workers=0, trials=1, smoke=True
)


@pytest.mark.slow
def test_rows_about_workers_follow_from_their_seconds(tmp_path: Path) -> None:
    seconds = through_the_ring(tmp_path, 1, images=128, trained=32)
    asking = seconds["asking"] = [0.0003, 0.0004, 0.0005]
    seconds |= {"workers_0": [2.0] * 3, "workers_1": [2.0, 2.5, 4.0], "workers_2": [1.0, 1.25, 2.0]}
    found = of_the_ring(seconds)
    assert found["training_process_ms_per_batch"] == asking[1] * 1000
    assert (found["ring_1"], found["ring_2"]) == (0.8, 0.8) and found["epoch_with_worker"] > 0


@pytest.mark.slow
def test_figures_of_a_gpu_are_measured_by_code_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOLDVOTE_CACHE", str(tmp_path / "cache"))
    record = Record(tmp_path / "device.json")
    device.measure(tmp_path, torch.device("cpu"), SMALL, record, [*device.PARTS])
    found = json.loads(record.file.read_text())
    assert found == record.values and "error" not in found and "search_error" not in found
    own = {key: value["test_vit"] if isinstance(value, dict) else value for key, value in found.items()}
    assert own["same_rows"] is True and own["way"] == "eager" and own["memory_micro_batch"] == 4
    assert own["loss_difference"] == own["memory_loss_difference"] == 0, "on a CPU the fast path is the plain one"
    assert own["search_complete"] >= 1 and 0 <= own["search_not_training"] <= 1
    assert all(own[key] > 0 for key in ("images_per_second", *device.FIGURES["step"], "four_together"))
    assert len(capsys.readouterr().out.splitlines()) >= len(own), "each is printed as it comes"


def test_a_part_that_fails_loses_nothing_that_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CUDA error: the device is lost")

    def whole(folder: Path, device: torch.device, scale: Scale, record: Record) -> None:
        record.put("four_together", 1.2345)
        record.put("graph_speedup", 2.0, "resnet18")

    monkeypatch.setattr(device, "PARTS", {"pack": whole, "memory": broken, "step": whole})
    record = Record(tmp_path / "device.json", {"graph_speedup": "not measured"})
    device.measure(tmp_path, torch.device("cpu"), SMALL, record, ["pack", "memory"])
    kept = {"four_together": 1.23, "graph_speedup": {"resnet18": 2.0}}
    assert json.loads(record.file.read_text()) == kept | {
        "error": {"memory": "RuntimeError: CUDA error: the device is lost"}
    }


def test_without_a_gpu_the_figures_say_so_with_the_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.main(["pack", "--out", str(tmp_path / "d.json")]) == 0
    found = json.loads((tmp_path / "d.json").read_text())
    assert found["four_together"] == "not measured" and found["measured_on"]["card"] is None
    with pytest.raises(SystemExit):
        device.main(["pak"])


def test_jobs_take_turns_and_the_first_round_does_not_count() -> None:
    done: list[str] = []
    times = iter(range(100))
    seconds = interleaved({n: lambda n=n: done.append(n) for n in "ab"}, 3, lambda: next(times))
    assert "".join(done) == "abbaabba"
    assert seconds == {"a": [1, 1, 1], "b": [1, 1, 1]}
    assert ratio([2.0, 9.0, 4.0], [1.0, 3.0, 1.0]) == 3.0
