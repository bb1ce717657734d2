"""Optimisers and schedules against their formulas and torch's own, and what each setting moves."""

import numpy as np
import pytest
import torch
from timm.optim import param_groups_layer_decay
from torch import nn

from trainable.errors import InputError
from trainable.models.build import build_model
from trainable.models.heads import head_parameters
from trainable.training.optim import OPTIMISERS, SCHEDULES, build_optimiser, build_schedule, parameter_groups

EPOCHS = 10


def model():
    torch.manual_seed(0)
    return build_model("test_resnet", classes=18, size=(64, 64))


def rates(name, times, **options):
    """Shares of the optimiser's own rate."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = build_schedule(optimiser, name=name, epochs=EPOCHS, **options)
    found = []
    for t in times:
        schedule(t)
        found.append(optimiser.param_groups[0]["lr"])
    return np.array(found) / 0.1


TIMES = np.linspace(0, EPOCHS, 101)


def layers() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))


@pytest.mark.parametrize("name", OPTIMISERS)
def test_biases_and_norms_are_not_decayed(name: str) -> None:
    optimiser = build_optimiser(layers(), name=name, lr=0.1, weight_decay=0.3, momentum=0.9)
    decay = {p.dim(): g["weight_decay"] for g in optimiser.param_groups for p in g["params"]}
    assert decay == {1: 0.0, 2: 0.3}


def test_sgd_is_nesterov_with_its_momentum() -> None:
    optimiser = build_optimiser(layers(), name="sgd", lr=0.1, weight_decay=0.0, momentum=0.7)
    assert isinstance(optimiser, torch.optim.SGD)
    assert {(g["momentum"], g["nesterov"]) for g in optimiser.param_groups} == {(0.7, True)}


@pytest.mark.parametrize("warmup", [0.0, 0.1])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_a_function_of_time_alone(name, warmup):
    """So a resumed fold needs no state of the schedule."""
    forwards = rates(name, TIMES, warmup=warmup)
    backwards = rates(name, TIMES[::-1], warmup=warmup)[::-1]
    assert np.array_equal(forwards, backwards) and forwards.max() <= 1.0 + 1e-9 and forwards.min() >= 0
    scaled = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr_scale": 0.1}], lr=1.0)
    schedule = build_schedule(scaled, name=name, epochs=EPOCHS)
    schedule(3.0)
    assert scaled.param_groups[0]["lr"] == pytest.approx(0.1 * rates(name, [3.0])[0])


def test_one_cycle_is_torchs():
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.0, total_steps=1001, cycle_momentum=False)
    expected = []
    for _ in range(1001):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if len(expected) < 1001:
            theirs.step()
    assert np.allclose(rates("one_cycle", np.linspace(0, EPOCHS, 1001)), expected, atol=5e-3)


def test_cosine_restarts_and_steps():
    assert np.allclose(rates("cosine", TIMES), (1 + np.cos(np.pi * TIMES / EPOCHS)) / 2, atol=1e-9)
    again = rates("restarts", [0, 2.5, 4.999, 5.0, 7.5], cycles=2, cycle_decay=0.5)
    assert np.allclose(again, [1, 0.5, 0, 0.5, 0.25], atol=1e-5)
    assert rates("step", [0, 2.9, 3, 6], step_every=3, step_factor=0.1) == pytest.approx([1, 1, 0.1, 0.01])
    many = rates("multistep", [0, 2.9, 3.1, 9.1], milestones=(0.3, 0.9), step_factor=0.1)
    assert many == pytest.approx([1, 1, 0.1, 0.01])
    assert set(rates("constant", TIMES)) == {1.0}


@pytest.mark.parametrize("name", [s for s in SCHEDULES if s != "one_cycle"])
def test_warm_up_rises_in_a_line(name):
    assert rates(name, [0, 0.25, 0.5, 0.75], warmup=0.1) == pytest.approx([0, 0.25, 0.5, 0.75])
    assert rates(name, [1.0], warmup=0.1)[0] > 0.85


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_lowers_a_loss(name):
    net = model().eval()
    optimiser = build_optimiser(net, name=name, lr=1e-3, weight_decay=0.01, momentum=0.9)
    images, targets = torch.randn(8, 3, 32, 32), torch.arange(8)
    losses = []
    for _ in range(8):
        loss = torch.nn.functional.cross_entropy(net(images), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_layer_decay_is_timms_and_the_head_has_its_own_rate():
    net = model()
    theirs = param_groups_layer_decay(net, weight_decay=0.05, layer_decay=0.7)
    scale = {id(p): (g["lr_scale"], g["weight_decay"]) for g in theirs for p in g["params"]}
    ours = parameter_groups(net, weight_decay=0.05, layer_decay=0.7, head_factor=60.0)
    head = {id(p) for p in head_parameters(net)}
    seen = 0
    for group in ours:
        for p in group["params"]:
            factor = 60.0 if id(p) in head else 1.0
            assert group["lr_scale"] == pytest.approx(scale[id(p)][0] * factor)
            assert group["weight_decay"] == scale[id(p)][1]
            seen += 1
    assert seen == len(list(net.parameters()))


def test_frozen_parameters_are_not_optimised():
    net = model()
    for p in list(net.parameters())[:5]:
        p.requires_grad_(False)
    groups = parameter_groups(net, weight_decay=0.0, layer_decay=1.0, head_factor=2.0)
    assert sum(len(g["params"]) for g in groups) == len(list(net.parameters())) - 5


def test_unknown_names_list_the_known():
    with pytest.raises(InputError, match="unknown optimiser 'adamax'; nearest: adam"):
        build_optimiser(model(), name="adamax", lr=1.0, weight_decay=0.0, momentum=0.0)
    with pytest.raises(InputError, match="unknown schedule 'cosin'; nearest: cosine"):
        rates("cosin", [0])
