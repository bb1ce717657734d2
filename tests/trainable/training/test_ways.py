"""How a network is called: recorded steps are those of one operation after another, and one way is kept for a run.

A CPU records nothing. `record` stands for its device behind the same call: what is recorded writes to memory of its
own, and nothing but a replay lets it happen.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from helpers import begun, prepared, tiny
from torch import Tensor, nn

from trainable.files import read_json
from trainable.graphs import MOST, Graphs, Work
from trainable.run import Run
from trainable.run.ways import Way, Ways
from trainable.training import epochs, ways
from trainable.training.losses import build_loss
from trainable.training.trial import run_trial
from trainable.training.ways import COMPILED, EAGER, GRAPH, Caller, offered

CPU = torch.device("cpu")


class Device:
    """Replays on a CPU; counts what was recorded and launched. refuses: forms that it cannot record."""

    def __init__(self, refuses: int = 0) -> None:
        self.recorded = self.launched = 0
        self.refuses = refuses

    def record(self, work: Work) -> tuple[Callable[[], None], Tensor]:
        for _ in range(3):  # warming up, which must leave nothing behind
            loss = work()
        if self.refuses:
            self.refuses -= 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory while capturing")
        self.recorded += 1
        network = work.__closure__[1].cell_contents  # type: ignore[index]  # the Recorded that it is of
        kept = [p.grad for p in network.trained]
        for gradient in [*kept, loss]:
            gradient.fill_(torch.nan)  # recording does not run it

        def replay() -> None:
            self.launched += 1
            now = work()
            for mine, parameter in zip(kept, network.trained, strict=True):
                mine.copy_(parameter.grad)
                parameter.grad = None
            loss.copy_(now)

        return replay, loss


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    """Trials of this test believe that theirs can record, and that it pays."""
    made = Device()
    monkeypatch.setattr(ways, "offered", lambda *_: (EAGER, GRAPH))
    monkeypatch.setattr(ways, "_timed", lambda jobs, _: dict(zip(jobs, (2.0, 1.0), strict=False)))
    usual = epochs.Caller
    monkeypatch.setattr(epochs, "Caller", lambda *given: usual(*given, record=made.record))
    return made


CHANGES = [
    {"augment": {"policy": "strong"}, "model": {"backbone": "test_resnet", "pretrained": False, "drop_rate": 0.3}},
    {"mix": {"name": "mixup", "p": 0.5}, "optim": {"ema": 0.9, "clip": 1.0}, "batch_size": 7},
    {"optim": {"name": "sgd", "accumulate": 2}, "batch_size": 4},
    {"model": {"backbone": "test_resnet", "pretrained": False, "freeze": 1}, "loss": {"name": "focal"}},
]


@pytest.mark.parametrize("changes", CHANGES, ids=["dropout", "mixed", "accumulated", "frozen"])
def test_a_recorded_trial_is_the_same_to_the_bit(
    generic: Path, tmp_path: Path, device: Device, monkeypatch: pytest.MonkeyPatch, changes: dict
) -> None:
    config = tiny(epochs=2, **changes)
    trial = begun(prepared(generic, tmp_path / "recorded"), config)
    list(run_trial(trial, device=CPU))
    assert device.launched > 0
    monkeypatch.undo()
    plain = begun(prepared(generic, tmp_path / "plain"), config)
    list(run_trial(plain, device=CPU))
    assert [f.result.weights_sha256 for f in trial.folds()] == [f.result.weights_sha256 for f in plain.folds()]
    assert not plain.run.ways.file.exists(), "on a CPU nothing is measured"  # type: ignore[union-attr]


def test_a_memory_too_small_to_record_trains_one_by_one(generic: Path, tmp_path: Path, device: Device) -> None:
    device.refuses = 100
    trial = begun(prepared(generic, tmp_path / "run"), tiny())
    list(run_trial(trial, device=CPU))
    assert trial.finished and device.launched == 0
    (only,) = read_json(trial.run.root / "ways.json")["cpu"].values()
    assert only["way"] == EAGER and list(only["seconds"]) == [EAGER]


def test_a_way_is_decided_once_a_run_and_kept_to(
    generic: Path, tmp_path: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepared(generic, tmp_path / "run")
    list(run_trial(begun(run, tiny()), device=CPU))
    file, before = run.root / "ways.json", device.launched
    then = file.read_text()
    assert before and read_json(file)["cpu"]["test_resnet 32x32, 8 images, fp32, compile auto"]["way"] == GRAPH
    monkeypatch.setattr(ways, "_timed", lambda *_: pytest.fail("measured again"))
    list(run_trial(begun(Run.open(run.root), tiny(optim={"lr": 1e-3})), device=CPU))
    assert device.launched > before and file.read_text() == then


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@pytest.mark.parametrize(
    ("asked", "seconds", "way", "refused"),
    [
        ("auto", {EAGER: 1.0, GRAPH: 0.5}, GRAPH, ""),
        ("auto", {EAGER: 1.0, GRAPH: 0.99}, EAGER, ""),  # within the noise
        (True, {EAGER: 1.0, GRAPH: 0.5, COMPILED: 0.6}, GRAPH, "compile"),
        (True, {EAGER: 1.0, GRAPH: 1.5, COMPILED: 1.6}, EAGER, "compile"),
    ],
)
def test_what_is_measured_decides_and_compiling_may_be_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: bool | str,
    seconds: dict[str, float],
    way: str,
    refused: str,
) -> None:
    monkeypatch.setattr(ways, "offered", lambda *_: tuple(seconds))
    monkeypatch.setattr(ways, "compiled", lambda model: model)
    monkeypatch.setattr(ways, "_timed", lambda jobs, _: {name: seconds[name] for name in jobs})
    caller = Caller(Net(), asked, "net", CPU, False, record=Device().record)
    caller.decide(build_loss("cross_entropy"), torch.randn(8, 6), torch.arange(8) % 3, None)
    assert caller.decided == Way(way, seconds, refused)
    assert (caller.graphs is not None) == (way == GRAPH)
    assert ("warning: compile is not what is fastest" in capsys.readouterr().out) == (refused != "")


def test_what_is_offered_where() -> None:
    gpu = torch.device("cuda")
    assert [offered(asked, CPU) for asked in (False, "auto", True)] == [(EAGER,), (EAGER,), (EAGER, COMPILED)]
    assert [offered(asked, gpu) for asked in (False, "auto", True)] == [
        (EAGER,),
        (EAGER, GRAPH),
        (EAGER, GRAPH, COMPILED),
    ]


def test_measuring_takes_turns_and_leaves_no_trace() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3))
    caller = Caller(network, "auto", "net", CPU, False)
    state, random = {k: v.clone() for k, v in network.state_dict().items()}, torch.get_rng_state()
    values = (torch.randn(8, 6), torch.arange(8) % 3, None)
    torch.set_rng_state(random)
    found = caller._measure((EAGER,), build_loss("cross_entropy"), values)
    assert found.way == EAGER and found.seconds[EAGER] > 0
    assert torch.equal(torch.get_rng_state(), random) and all(p.grad is None for p in network.parameters())
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_only_so_many_forms_of_batch_are_recorded() -> None:
    network, device, loss = Net(), Device(), build_loss("cross_entropy")
    graphs = Graphs(network, CPU, device.record)

    def gradients(inputs: Tensor, targets: Tensor, share: Tensor | None) -> Tensor:
        value = loss(network(inputs), targets, share)
        value.backward()
        return value.detach()

    for size in range(2, 9):
        values = (torch.randn(size, 6), torch.arange(size) % 3, None)
        found = [graphs.of("loss", gradients, values) for _ in range(2)]
        assert found[0] is found[1] and (found[0] is None) == (size >= 2 + MOST)
        if found[0] is not None:
            network.zero_grad()
            expected = gradients(*values)
            wanted = [p.grad.clone() for p in network.parameters()]  # type: ignore[union-attr]
            assert torch.equal(found[0](*values), expected)
            assert all(torch.equal(p.grad, w) for p, w in zip(network.parameters(), wanted, strict=True))  # type: ignore[arg-type]
    assert device.recorded == MOST


def test_one_process_measures_and_the_others_read(tmp_path: Path) -> None:
    found = Ways(tmp_path / "ways.json")
    times = itertools.count()
    decided = [found.find("card", kind, lambda: Way(f"w{next(times)}", {"eager": 0.1})) for kind in "aab"]
    assert [way.way for way in decided] == ["w0", "w0", "w1"]
    assert found.find("other card", "a", lambda: Way("other", {})).way == "other"
    assert Ways().find("card", "a", lambda: Way("own", {})).way == "own", "nothing is kept where there is no run"


def test_nobody_waits_for_another_kind_of_network(tmp_path: Path) -> None:
    """On an H200, 17 processes with eight kinds between them measured one after another: a minute without training."""
    found, together = Ways(tmp_path / "ways.json"), threading.Barrier(3, timeout=20)

    def measured(kind: str) -> Way:
        return found.find("card", kind, lambda: (together.wait(), Way(kind, {"eager": 0.1}))[1])

    with ThreadPoolExecutor(3) as pool:
        assert [way.way for way in pool.map(measured, "abc")] == ["a", "b", "c"]
    assert set(read_json(tmp_path / "ways.json")["card"]) == {"a", "b", "c"}, "none was written over"
