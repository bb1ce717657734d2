"""The moving average of weights, accumulation of gradients, frozen bodies: what is kept is what was meant."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_techniques import CPU, Trained, experiment, merged  # noqa: F401 - experiment is a fixture
from timm.utils import ModelEmaV3
from torch import nn

from trainable.models.build import build_network
from trainable.models.freezing import head_name
from trainable.models.predict import predict
from trainable.training.losses import build_loss
from trainable.training.optim import build_optimiser
from trainable.training.state import Learner
from trainable.training.step import EpochRunner


class Head(nn.Module):
    """A linear network that looks like timm's to what asks for a last layer."""

    pretrained_cfg = {"classifier": "fc"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(x)


def train(batches: list[int], *, accumulate: int = 1, ema: float = 0.0, clip: float = 0.0) -> Learner:
    """24 samples in batches of these sizes."""
    model = Head()
    optimiser = build_optimiser(model, name="sgd", lr=0.1, weight_decay=0.0, momentum=0.0)
    learner = Learner(model, optimiser, 24, ModelEmaV3(model, decay=ema, use_warmup=True) if ema else None)
    torch.manual_seed(1)
    data, labels = torch.randn(24, 6), torch.arange(24) % 4
    runner = EpochRunner(learner, model, nn.Identity(), labels, 4, accumulate, clip, False)
    parts = np.split(np.arange(24), np.cumsum(batches)[:-1])
    stream = ((part, torch.from_numpy(part), data[torch.from_numpy(part)]) for part in parts)
    runner.run(stream, len(batches), build_loss("cross_entropy"), lambda t: None, 0.0, lambda *_: None)
    return learner


@pytest.mark.parametrize("small", [[12, 12], [10, 14], [8, 8, 8]])
def test_accumulated_batches_are_one_large_batch(small):
    large, summed = train([24]), train(small, accumulate=len(small))
    assert summed.updates == large.updates == 1
    assert torch.allclose(large.model.fc.weight, summed.model.fc.weight, atol=1e-7)


def test_a_last_short_group_is_a_step_of_its_own():
    assert train([8, 8, 8], accumulate=2).updates == 2


def test_clipping_bounds_the_step():
    start = Head().fc.weight
    free, bound = train([24]).model.fc, train([24], clip=0.01).model.fc
    moved = torch.cat([(bound.weight - start).flatten(), bound.bias - Head().fc.bias]).norm()
    assert moved.item() == pytest.approx(0.1 * 0.01, rel=1e-3) and (free.weight - start).norm() > moved


def test_the_average_is_its_formula():
    """Weights after each step, averaged by hand with the same warm-up."""
    steps = [[24], [12, 12], [8, 8, 8]]
    learner = train(steps[2], ema=0.5)
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
    assert torch.allclose(learner.kept.fc.weight, weights, atol=1e-6)
    assert not torch.allclose(learner.model.fc.weight, learner.kept.fc.weight)


def test_saved_weights_are_those_that_were_scored(experiment):  # noqa: F811
    config = merged({"optim": {"ema": 0.9}, "seed": 5})
    run = Trained(config, experiment)
    model = build_network(config, 18)
    file = experiment.paths.trial(config.trial_id("techniques")).fold(0).weights
    model.load_state_dict(load_file(file))
    batches = [(rows, run.batches[(-1, rows)]) for rows in [run.valid["index"]]]
    again = predict(model.eval(), batches, torch.tensor(run.result["statistics"]))
    assert np.allclose(again, run.valid["probabilities"], atol=1e-6)


@pytest.mark.parametrize("freeze", [1, "body"])
def test_frozen_parts_are_saved_as_they_began(experiment, freeze):  # noqa: F811
    """Two seeds of epochs apart: 1 epoch and 3 epochs end with the same frozen weights and statistics."""
    ended = []
    for epochs in (1, 3):
        config = merged({"model": {"freeze": freeze}, "epochs": epochs, "seed": 6})
        Trained(config, experiment)
        ended.append(load_file(experiment.paths.trial(config.trial_id("techniques")).fold(0).weights))
    same = {name for name in ended[0] if torch.equal(ended[0][name], ended[1][name])}
    head = head_name(build_network(config, 18))
    assert "conv1.0.weight" in same or "conv1.weight" in same
    assert not any(name.startswith(head) for name in same)
    if freeze == "body":
        assert same == {name for name in ended[0] if not name.startswith(head)}


def test_best_keeps_the_epoch_with_the_highest_score(experiment):  # noqa: F811
    run = Trained(
        merged({"keep": "best", "epochs": 4, "seed": 3, "optim": {"lr": 0.1, "schedule": "constant"}}), experiment
    )
    of_epoch = [m["macro_f1_of_epoch"] for m in run.metrics]
    assert [m["macro_f1"] for m in run.metrics] == pytest.approx(list(np.maximum.accumulate(of_epoch)))
    assert run.result["macro_f1"] == pytest.approx(max(of_epoch))
    assert merged({"keep": "best"}).cautions() and not merged().cautions()
    assert CPU.type == "cpu"
