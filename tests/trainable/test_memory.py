"""A full memory: the same step in smaller parts. Networks here raise what CUDA raises, above a number of images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from helpers import begun, prepared, tiny
from torch import Tensor, nn

from trainable.device import to_device
from trainable.errors import InputError
from trainable.images.mixing import build_mix
from trainable.memory import as_many_as_fit
from trainable.models.build import build_model
from trainable.models.predict import predict
from trainable.randomness import generator
from trainable.run import Run
from trainable.training.checkpoints import Saving
from trainable.training.losses import Loss, build_loss, soft_f1
from trainable.training.optim import build_optimiser
from trainable.training.state import TrainingState
from trainable.training.step import Steps
from trainable.training.trial import run_trial
from trainable.training.ways import Caller

CPU = torch.device("cpu")
ROWS, CLASSES = 24, 4
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB."


class Room:
    """The memory: refuses more than `limit` images, on the way forth or, once some layers hold theirs, back."""

    def __init__(self, limit: int, forth: bool = True) -> None:
        self.limit, self.forth, self.refused = limit, forth, 0

    def take(self, images: int) -> None:
        if images > self.limit:
            self.refused += 1
            raise torch.cuda.OutOfMemoryError(FULL)

    def watch(self, model: nn.Module) -> nn.Module:
        def back(gradient: Tensor) -> None:
            self.take(len(gradient))

        def look(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if self.forth:
                self.take(len(output))
            elif output.requires_grad:
                output.register_hook(back)

        model.register_forward_hook(look)
        return model


class Small(nn.Module):
    """Two layers on features, without BatchNorm; its first layer's gradients come last."""

    pretrained_cfg = {"classifier": "last"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(3, 6, 3), nn.Linear(6, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.first(images).tanh().mean((2, 3)))


def step(room: Room | None, loss: Loss, *, accumulate: int = 1, mix: str = "none", batch: int = ROWS) -> TrainingState:
    """24 images in one step; the weights after it are its gradients."""
    model = Small()
    if room is not None:
        room.watch(model if room.forth else model.first)
    optimiser = build_optimiser(model, name="sgd", lr=1.0, weight_decay=0.0, momentum=0.0)
    state = TrainingState(model, optimiser, batch)
    torch.manual_seed(1)
    images, labels = torch.randn(ROWS, 3, 8, 8), torch.arange(ROWS) % CLASSES
    caller = Caller(model, False, "small", CPU, False)
    epoch = Steps(state, caller, nn.Identity(), labels, CLASSES, accumulate, 0.0, False)
    parts = np.split(np.arange(ROWS), accumulate)
    stream = ((part, to_device(part, CPU), images[torch.from_numpy(part)]) for part in parts)
    planner = build_mix(mix, p=1.0, alpha=1.0, ratio=(0.4, 0.6), partner="any")

    def plan(number: int, rows: np.ndarray, size: tuple[int, int]):
        return planner(generator(7, number), labels.numpy()[rows], np.zeros(len(rows), bool), size)

    epoch.run(stream, accumulate, loss, lambda _: None, 0.0, plan)
    assert state.updates == 1
    return state


MEANS: dict[str, Callable[[], Loss]] = {
    "cross_entropy": partial(build_loss, "cross_entropy", smoothing=0.1, weights=torch.tensor([1.0, 2.0, 0.5, 3.0])),
    "focal": partial(build_loss, "focal", gamma=2.0),
}


@pytest.mark.parametrize("forth", [True, False], ids=["forward", "backward"])
@pytest.mark.parametrize(("limit", "fits"), [(23, 12), (7, 6), (1, 1)])
@pytest.mark.parametrize("loss", MEANS)
def test_step_in_parts_has_the_gradient_of_the_whole(loss: str, limit: int, fits: int, forth: bool) -> None:
    """Also where the memory fills in the middle of a backward pass, which leaves half of the gradients."""
    whole, room = step(None, MEANS[loss]()), Room(limit, forth)
    parts = step(room, MEANS[loss]())
    assert parts.micro_batch == fits
    assert room.refused == np.ceil(np.log2(ROWS / fits))
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mix", ["cutmix", "halves", "mixup"])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_images_are_mixed_as_in_the_whole_batch(mix: str, accumulate: int) -> None:
    loss = build_loss("cross_entropy")
    whole = step(None, loss, accumulate=accumulate, mix=mix)
    room = Room(2)
    parts = step(room, loss, accumulate=accumulate, mix=mix)
    assert room.refused
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6)
    plain = step(None, loss, accumulate=accumulate)
    assert not torch.allclose(plain.model.first.weight, whole.model.first.weight, atol=1e-4)


def test_memory_that_fills_in_a_later_batch_of_a_step_loses_no_gradient() -> None:
    """The third of three batches is the first that is refused."""

    class Later(Room):
        seen = 0

        def take(self, images: int) -> None:
            self.seen += 1
            if self.seen > 2:
                super().take(images)

    whole, room = step(None, build_loss("focal"), accumulate=3), Later(5)
    parts = step(room, build_loss("focal"), accumulate=3)
    assert (room.refused, parts.micro_batch) == (1, 4)
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6)


def test_soft_f1_is_the_mean_over_the_parts() -> None:
    """It is no mean over samples: what it becomes is documented, and is this formula."""
    parts = step(Room(6), build_loss("soft_f1"))
    model = Small()
    torch.manual_seed(1)
    images, labels = torch.randn(ROWS, 3, 8, 8), torch.arange(ROWS) % CLASSES
    quarters = [soft_f1(model(images[i : i + 6]), labels[i : i + 6]) for i in range(0, ROWS, 6)]
    torch.stack(quarters).mean().backward()
    for before, after in zip(model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(after, before - before.grad, rtol=1e-5, atol=1e-6)
    whole = step(None, build_loss("soft_f1"))
    assert not torch.allclose(whole.model.first.weight, parts.model.first.weight, atol=1e-5)


def test_where_one_image_is_too_much_it_says_so() -> None:
    with pytest.raises(InputError, match=r"one image is too much for \(CUDA out of memory.*allowed: a smaller") as said:
        step(Room(0), build_loss("cross_entropy"))
    assert "\n" not in str(said.value)


def test_other_errors_are_not_taken_for_a_full_memory() -> None:
    def broken(size: int) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal"):
        as_many_as_fit(broken, 8, 8)


# --- a whole trial ----------------------------------------------------------------------------------------------


def rooms(monkeypatch: pytest.MonkeyPatch, limit: int) -> Room:
    """Every network that is made from here on trains in a memory for `limit` images."""
    room, real = Room(limit), timm.create_model

    def look(model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if model.training:
            room.take(len(inputs[0]))

    def create(*arguments: object, **options: object) -> nn.Module:
        model = real(*arguments, **options)
        model.register_forward_pre_hook(look)
        return model

    monkeypatch.setattr(timm, "create_model", create)
    return room


def test_smaller_parts_stay_for_the_trial_over_folds_and_interruptions(
    generic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = rooms(monkeypatch, 3)
    trial = begun(prepared(generic, tmp_path / "run"), tiny(epochs=2))  # batches of 8, of which 6 are there
    first = run_trial(trial, device=CPU, saving=Saving(every=0))
    assert next(first).metrics["micro_batch"] == 3
    assert room.refused == 1
    first.close()
    trial = Run.open(tmp_path / "run").trial(trial.id)
    reports = list(run_trial(trial, device=CPU))
    assert room.refused == 1  # neither the second epoch nor the second fold had to find out again
    assert [r.metrics["micro_batch"] for r in reports] == [3] * 4
    assert trial.result.micro_batch == 3
    assert [fold.result.micro_batch for fold in trial.folds()] == [3, 3]
    assert [m["micro_batch"] for m in trial.fold(0).epochs()] == [3, 3]


def test_trial_that_had_room_says_so(run: Run) -> None:
    reports = list(run_trial(begun(run, tiny()), device=CPU))
    assert [r.metrics["micro_batch"] for r in reports] == [8, 8]


def test_prediction_goes_in_halves_from_the_batch_on_that_is_too_much() -> None:
    torch.manual_seed(0)
    model = build_model("test_resnet", classes=5, size=(32, 32)).eval()
    images = torch.randint(0, 256, (30, 32, 32, 3), dtype=torch.uint8)
    batches = [(np.arange(i, i + 10), images[i : i + 10]) for i in range(0, 30, 10)]
    statistics = torch.tensor([[0.5] * 3, [0.2] * 3])
    whole = predict(model, batches, statistics)
    room = Room(4)
    found = predict(room.watch(model), batches, statistics)
    assert room.refused == 2  # 10 and 5, then parts of 3 for all batches
    np.testing.assert_allclose(found, whole, atol=1e-6)
