"""Batches on their way to the device; what only a GPU can show is skipped elsewhere."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from counting import Counting, sample
from devices import Failing, Late
from helpers import prepared, tiny
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from trainable.config import TrialConfig
from trainable.device import DEVICES, stream_to_device
from trainable.images import loader as loader_module
from trainable.images.loader import Loader
from trainable.models.predict import predict
from trainable.ring.plan import Plan
from trainable.run import Run
from trainable.training.batches import training_batches
from trainable.training.context import FoldContext
from trainable.training.epochs import Epochs
from trainable.training.state import begin_or_resume
from trainable.training.step import Steps

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def batches(pin: bool = False) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    for start in range(0, 10, 4):
        rows = np.arange(start, min(start + 4, 10))
        images = torch.from_numpy(rows).to(torch.uint8)[:, None, None, None].expand(-1, 64, 64, 3).contiguous()
        yield rows, images.pin_memory() if pin else images


@pytest.mark.parametrize("name", ["cpu", pytest.param("cuda", marks=GPU)])
def test_what_arrives_is_what_was_sent_in_its_order(name: str) -> None:
    device = torch.device(name)
    arrived = list(stream_to_device(batches(pin=name == "cuda"), device))
    assert all(rows.device.type == images.device.type == name for rows, images in arrived)
    for (rows, images), (sent_rows, sent) in zip(arrived, batches(), strict=True):
        assert rows.tolist() == sent_rows.tolist()
        assert torch.equal(images.cpu(), sent)


def test_next_batch_is_not_asked_for_before_this_one_is_used() -> None:
    asked = []

    def watched() -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        for batch in batches():
            asked.append(len(asked))
            yield batch

    stream = stream_to_device(watched(), torch.device("cpu"))
    next(stream)
    assert asked == [0]


@pytest.mark.parametrize("late", [1, 3, 1000])
def test_a_slot_is_filled_anew_only_when_the_device_has_read_it(late: int, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Late(late)
    monkeypatch.setitem(DEVICES, "cpu", device)
    monkeypatch.setattr(loader_module, "CPU", device)
    loader, plan = Loader(Counting(), workers=2), Plan(3, np.arange(3000), 48)  # type: ignore[arg-type]
    stream = stream_to_device(loader.train(plan.rows, plan.batch_size, plan.epoch), torch.device("cpu"))
    arrived = [images for _, images in stream]
    assert device.pinned == loader._ring[0].layout.samples.nbytes
    for event in device.asked:
        event.synchronize()
    for rows, images in zip(plan.batches, arrived, strict=True):
        assert (images.numpy() == sample(3, rows)[:, None, None, None]).all()
    del loader, stream
    gc.collect()
    assert device.pinned == 0


def test_a_copy_that_fails_costs_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEVICES, "cpu", Failing(5, RuntimeError, "cannot copy"))
    loader, plan = Loader(Counting(), workers=2), Plan(3, np.arange(500), 16)  # type: ignore[arg-type]

    def epoch() -> list[torch.Tensor]:
        stream = stream_to_device(loader.train(plan.rows, plan.batch_size, plan.epoch), torch.device("cpu"))
        return [images for _, images in stream]

    with pytest.raises(RuntimeError, match="cannot copy"):
        epoch()
    for rows, images in zip(plan.batches, epoch(), strict=True):
        assert (images.numpy() == sample(3, rows)[:, None, None, None]).all()
    ring = loader._ring[0]
    gc.collect()  # the exception's traceback, which holds the batch that failed
    while ring.owners:
        ring._hear(ring.workers.wait())
    assert ring.slots.take(ring.layout.slots) is not None


# Each part of a step that might look at a value: losses, heads, stages, mixing, clipping, averages, frozen bodies.
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("generic", {}),
    "everything": (
        "competition",
        {
            "head": {"name": "attributes", "ordinal": ["age"]},
            "loss": {"name": "focal", "f1_weight": 0.3, "class_weights": "power", "smoothing": 0.1},
            "mix": {"name": "cutmix", "p": 1.0, "partner": "age=>=60"},
            "optim": {"name": "adamw", "layer_decay": 0.7, "clip": 1.0, "accumulate": 2, "ema": 0.9},
            "sampler": {"name": "balanced"},
            "augment": {"policy": "strong"},
        },
    ),
    "soft F1": ("generic", {"loss": {"name": "soft_f1"}, "optim": {"name": "sgd"}, "mix": {"name": "mixup", "p": 1.0}}),
    "first stage": ("competition", {"stage": {"rows": "mask=none", "share": 0.9}, "mix": {"name": "halves", "p": 1.0}}),
    "frozen": ("generic", {"model": {"backbone": "test_vit", "pretrained": False, "freeze": "body"}}),
}


def fold_on(device: torch.device, run: Run, config: TrialConfig) -> FoldContext:
    loader = Loader(training_batches(config, run.experiment), pin=device.type == "cuda")
    return FoldContext(config, run.experiment, 0, loader, device, run.trial("sync").fold(0))


@pytest.fixture(params=STEPS)
def epochs_on(
    request: pytest.FixtureRequest, generic: Path, sample: Path, tmp_path: Path
) -> Callable[[torch.device], Epochs]:
    layout, changes = STEPS[request.param]
    run = prepared(generic if layout == "generic" else sample, tmp_path / "run")

    def make(device: torch.device) -> Epochs:
        fold = fold_on(device, run, tiny(epochs=3, **changes))
        return Epochs(fold, begin_or_resume(fold))

    return make


@GPU
def test_nothing_in_an_epoch_waits_for_the_device(epochs_on: Callable[[torch.device], Epochs]) -> None:
    epochs = epochs_on(torch.device("cuda"))
    epochs.train(0)  # libraries choose their algorithms, memory is taken
    steps = epochs.state.updates
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchroniz"):
            epochs.train(1)  # at its very end alone, when the mean loss is read
        assert epochs.state.updates == 2 * steps
    finally:
        torch.cuda.set_sync_debug_mode("default")


class Waits(TorchDispatchMode):
    """Notes each operation whose answer the host would have to wait for, were its tensors on a GPU."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "repeat_interleave")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        masks = name == "index" and any(t is not None and t.dtype == torch.bool for t in args[1])
        if name in self.WAITING or masks:
            self.found.append(name)
        return func(*args, **kwargs or {})


def test_an_epoch_reads_one_number_at_its_end(
    epochs_on: Callable[[torch.device], Epochs], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where there is no GPU: the mean loss is all that is read while the batches of an epoch are worked on."""
    epochs, waits = epochs_on(torch.device("cpu")), Waits()
    steps = Steps.run

    def watched(*arguments: Any) -> float:
        with monkeypatch.context() as patch, waits:
            for name in ("cpu", "numpy", "tolist"):
                patch.setattr(torch.Tensor, name, lambda self, *_, name=name: waits.found.append(name))
            # torch's own looks at its targets on a CPU, where that costs nothing, and does not on a GPU.
            patch.setattr(functional, "one_hot", lambda t, c: torch.eye(c, dtype=torch.int64).index_select(0, t))
            loss = steps(*arguments)
        assert epochs.state.updates > 1
        return loss

    monkeypatch.setattr(Steps, "run", watched)
    loss, _, images = epochs.train(0)
    assert np.isfinite(loss) and images > 8
    assert waits.found == ["_local_scalar_dense"]


def test_what_waits_is_noticed() -> None:
    values, waits = torch.arange(4.0), Waits()
    with waits:
        values[values > 1]
        values.sum().item()
        bool((values > 1).any())
    assert waits.found == ["index", "_local_scalar_dense", "_local_scalar_dense"]


@GPU
def test_predictions_wait_at_their_end_alone(run: Run) -> None:
    fold = fold_on(torch.device("cuda"), run, tiny())
    model, statistics = begin_or_resume(fold).model, fold.statistics
    rows, seen = np.arange(len(run.manifest.frame)), []
    predict(model, fold.loader.predict(rows, 8), statistics)
    model.register_forward_hook(lambda *_: seen.append(1))
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchroniz"):
            predict(model, fold.loader.predict(rows, 8), statistics)
        assert len(seen) == -(-len(rows) // 8)
    finally:
        torch.cuda.set_sync_debug_mode("default")
