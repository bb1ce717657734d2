"""Steps of an epoch: gradients accumulated and clipped, and the average that follows them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from trainable.data.pseudo_labels import SoftLabels
from trainable.training.losses import build_loss
from trainable.training.optim import build_optimiser
from trainable.training.state import TrainingState
from trainable.training.step import SoftTargets, Steps
from trainable.training.ways import Caller
from trainable.training.weight_averaging import MovingAverage


class Head(nn.Module):
    """A linear network that looks like timm's to what asks for a last layer."""

    pretrained_cfg = {"classifier": "fc"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(x)


SOFT = np.array([3, 7, 20])  # rows whose targets are shares


def train(
    batches: list[int], *, accumulate: int = 1, ema: float = 0.0, clip: float = 0.0, shares=None
) -> TrainingState:
    """24 samples in batches of these sizes."""
    model = Head()
    optimiser = build_optimiser(model, name="sgd", lr=0.1, weight_decay=0.0, momentum=0.0)
    state = TrainingState(model, optimiser, 24, MovingAverage(model, ema) if ema else None)
    torch.manual_seed(1)
    data, labels = torch.randn(24, 6), torch.arange(24) % 4
    caller = Caller(model, False, "head", torch.device("cpu"), False)
    soft = None if shares is None else SoftTargets.of(SoftLabels(SOFT, shares), 24, torch.device("cpu"))
    epoch = Steps(state, caller, nn.Identity(), labels, 4, accumulate, clip, False, soft=soft)
    parts = np.split(np.arange(24), np.cumsum(batches)[:-1])
    stream = ((part, torch.from_numpy(part), data[torch.from_numpy(part)]) for part in parts)
    epoch.run(stream, len(batches), build_loss("cross_entropy"), lambda t: None, 0.0, lambda *_: None)
    return state


@pytest.mark.parametrize("small", [[12, 12], [10, 14], [8, 8, 8]])
def test_accumulated_batches_are_one_large_batch(small):
    large, summed = train([24]), train(small, accumulate=len(small))
    assert summed.updates == large.updates == 1
    assert torch.allclose(large.model.fc.weight, summed.model.fc.weight, atol=1e-7)


def test_rows_of_several_classes_are_learnt_by_their_shares():
    hard = np.eye(4, dtype=np.float32)[SOFT % 4]
    assert torch.allclose(train([24], shares=hard).model.fc.weight, train([24]).model.fc.weight, atol=1e-7)
    shares = np.array([[0.5, 0.25, 0.25, 0], [0, 0, 0.5, 0.5], [1, 0, 0, 0]], np.float32)
    model = Head()
    torch.manual_seed(1)
    data, targets = torch.randn(24, 6), torch.eye(4)[torch.arange(24) % 4]
    targets[SOFT] = torch.from_numpy(shares)
    nn.functional.cross_entropy(model(data), targets).backward()
    expected = model.fc.weight - 0.1 * model.fc.weight.grad
    for batches in ([24], [8, 8, 8]):  # also where a batch has none of them
        found = train(batches, accumulate=len(batches), shares=shares).model.fc.weight
        assert torch.allclose(found, expected, atol=1e-6)


def test_a_last_short_group_is_a_step_of_its_own():
    assert train([8, 8, 8], accumulate=2).updates == 2


def test_clipping_bounds_the_step():
    start = Head().fc.weight
    free, bound = train([24]).model.fc, train([24], clip=0.01).model.fc
    moved = torch.cat([(bound.weight - start).flatten(), bound.bias - Head().fc.bias]).norm()
    assert moved.item() == pytest.approx(0.1 * 0.01, rel=1e-3) and (free.weight - start).norm() > moved


def test_the_average_is_its_formula():
    """Weights after each step, averaged by hand with the same warm-up."""
    state = train([8, 8, 8], ema=0.5)
    weights, after = Head().fc.weight.detach().clone(), []
    for n in (1, 2, 3):  # the first n of three equal batches
        model = Head()
        optimiser = build_optimiser(model, name="sgd", lr=0.1, weight_decay=0.0, momentum=0.0)
        torch.manual_seed(1)
        data, labels = torch.randn(24, 6), torch.arange(24) % 4
        for i in range(n):
            part = slice(8 * i, 8 * i + 8)
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(data[part]), labels[part]).backward()
            optimiser.step()
        after.append(model.fc.weight.detach())
    for step, value in enumerate(after, start=1):
        decay = 0.0 if step <= 1 else min(0.5, 1 - step ** (-2 / 3))
        weights = decay * weights + (1 - decay) * value
    assert torch.allclose(state.kept.fc.weight, weights, atol=1e-6)
    assert not torch.allclose(state.model.fc.weight, state.kept.fc.weight)
