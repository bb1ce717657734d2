"""Optimisers and schedules against their formulas."""

import math

import pytest
import torch
from torch import nn

from trainable.errors import InputError
from trainable.training.optim import OPTIMISERS, build_optimiser, build_schedule


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))


def rates(name: str, *, epochs: int = 4, steps: int = 5, warmup: float = 0.0) -> list[float]:
    optimiser = build_optimiser(network(), name="adamw", lr=0.1, weight_decay=0.1, momentum=0.9)
    schedule = build_schedule(optimiser, name=name, epochs=epochs, warmup=warmup, step_every=2, step_factor=0.1)
    found = []
    for step in range(epochs * steps):
        schedule(step / steps)
        found.append(optimiser.param_groups[0]["lr"])
    return found


@pytest.mark.parametrize("name", OPTIMISERS)
def test_biases_and_norms_are_not_decayed(name: str) -> None:
    optimiser = build_optimiser(network(), name=name, lr=0.1, weight_decay=0.3, momentum=0.9)
    decay = {p.dim(): g["weight_decay"] for g in optimiser.param_groups for p in g["params"]}
    assert decay == {1: 0.0, 2: 0.3}


def test_sgd_is_nesterov_with_its_momentum() -> None:
    optimiser = build_optimiser(network(), name="sgd", lr=0.1, weight_decay=0.0, momentum=0.7)
    assert isinstance(optimiser, torch.optim.SGD)
    assert {(g["momentum"], g["nesterov"]) for g in optimiser.param_groups} == {(0.7, True)}


def test_cosine_falls_to_zero_by_its_formula() -> None:
    assert rates("cosine") == pytest.approx([0.05 * (1 + math.cos(math.pi * t / 20)) for t in range(20)])


def test_step_falls_by_its_factor_every_so_many_epochs() -> None:
    assert rates("step") == pytest.approx([0.1] * 10 + [0.01] * 10)


def test_constant_stays() -> None:
    assert rates("constant") == pytest.approx([0.1] * 20)


@pytest.mark.parametrize("name", ["cosine", "step", "constant"])
def test_warmup_rises_from_zero_over_its_share_of_the_steps(name: str) -> None:
    assert rates(name, warmup=0.2)[:4] == pytest.approx([0.0, 0.025, 0.05, 0.075])
    assert rates(name, warmup=0.2)[4] > 0.085


def test_rate_depends_on_the_step_alone() -> None:
    """So a resumed fold needs no state of the schedule."""
    optimiser = build_optimiser(network(), name="adamw", lr=0.1, weight_decay=0.1, momentum=0.9)
    schedule = build_schedule(optimiser, name="cosine", epochs=4, warmup=0.1)
    schedule(13 / 5)
    assert optimiser.param_groups[0]["lr"] == pytest.approx(rates("cosine", warmup=0.1)[13])


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="nearest: adam"):
        build_optimiser(network(), name="adamx", lr=0.1, weight_decay=0.1, momentum=0.9)
    optimiser = build_optimiser(network(), name="sgd", lr=0.1, weight_decay=0.1, momentum=0.9)
    with pytest.raises(InputError, match="nearest: cosine"):
        build_schedule(optimiser, name="cosin", epochs=1)
