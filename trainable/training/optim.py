"""Optimisers and schedules, from timm and torch."""

import math
from collections.abc import Callable
from typing import Any

import torch
from timm.optim import create_optimizer_v2, param_groups_layer_decay, param_groups_weight_decay
from timm.scheduler import create_scheduler_v2
from timm.scheduler.scheduler import Scheduler
from torch import nn

from trainable.errors import unknown
from trainable.models.heads import head_parameters

OPTIMISERS = ("adamw", "adam", "radam", "sgd")
TICKS = 10_000  # of an epoch: the whole steps that timm's schedules count
SCHEDULES = ("cosine", "restarts", "one_cycle", "step", "multistep", "constant")


def parameter_groups(
    model: nn.Module, *, weight_decay: float, layer_decay: float, head_factor: float
) -> list[dict[str, Any]]:
    """timm's groups (biases and norms without weight decay, lr_scale falling layer by layer), the head's apart.

    Schedules multiply a group's rate by its `lr_scale`; parameters without a gradient are left out.
    """
    keep: dict[str, Any] = {}
    if hasattr(model, "no_weight_decay"):
        keep["no_weight_decay_list"] = model.no_weight_decay()  # type: ignore[operator]
    if layer_decay < 1:
        groups = param_groups_layer_decay(model, weight_decay=weight_decay, layer_decay=layer_decay, **keep)
    else:
        groups = param_groups_weight_decay(model, weight_decay=weight_decay, **keep)
    head = {id(p) for p in head_parameters(model)} if head_factor != 1 else set()
    found = []
    for group in groups:
        scale = group.get("lr_scale", 1.0)
        for mine, factor in ((False, 1.0), (True, head_factor)):
            parameters = [p for p in group["params"] if (id(p) in head) == mine]
            if parameters:
                found.append({"params": parameters, "weight_decay": group["weight_decay"], "lr_scale": scale * factor})
    return found


def build_optimiser(
    model: nn.Module,
    *,
    name: str,
    lr: float,
    weight_decay: float,
    momentum: float,
    layer_decay: float = 1.0,
    head_factor: float = 1.0,
) -> torch.optim.Optimizer:
    """By timm's factory, as one kernel for all parameters; SGD is Nesterov's, plain without momentum."""
    if name not in OPTIMISERS:
        raise unknown("optimiser", name, OPTIMISERS)
    options: dict[str, Any] = {"foreach": True} if name == "radam" else {"fused": True}  # RAdam has no fused form
    if name == "sgd":
        options |= {"momentum": momentum, "nesterov": momentum > 0}
    groups = parameter_groups(model, weight_decay=weight_decay, layer_decay=layer_decay, head_factor=head_factor)
    return create_optimizer_v2(groups, opt=name, lr=lr, weight_decay=weight_decay, **options)


class OneCycle(Scheduler):
    """Up over 30 % of the time by a cosine from 1/25 of the rate, down to 1/250,000 of it (Smith 2018).

    As torch's OneCycleLR at its defaults, without cycling momentum, and as a function of time alone.
    """

    def __init__(self, optimiser: torch.optim.Optimizer, total: float) -> None:
        self.total = total
        super().__init__(optimiser, "lr", t_in_epochs=False)

    def _get_lr(self, t: float) -> list[float]:
        share = min(t / self.total, 1.0)
        start, end, part = (1 / 25, 1.0, share / 0.3) if share < 0.3 else (1.0, 1 / 25e4, (share - 0.3) / 0.7)
        return [v * (end + (start - end) * (1 + math.cos(math.pi * part)) / 2) for v in self.base_values]


def build_schedule(
    optimiser: torch.optim.Optimizer,
    *,
    name: str,
    epochs: float,
    warmup: float = 0.0,
    step_every: int = 5,
    step_factor: float = 0.5,
    milestones: tuple[float, ...] = (0.5, 0.75),
    cycles: int = 2,
    cycle_decay: float = 0.5,
) -> Callable[[float], None]:
    """A function (epochs done, with their fraction) that sets the rates; of time alone, so resuming needs no state."""
    if name not in SCHEDULES:
        raise unknown("schedule", name, SCHEDULES)
    if name == "one_cycle":
        one_cycle = OneCycle(optimiser, epochs)
        return lambda t: one_cycle.step_update(t)  # type: ignore[arg-type]
    restarts = name == "restarts"
    schedule, _ = create_scheduler_v2(
        optimiser,
        sched="cosine" if restarts else name,
        num_epochs=epochs / cycles if restarts else epochs,  # type: ignore[arg-type]  # any unit of time will do
        cycle_limit=cycles if restarts else 1,
        cycle_decay=cycle_decay,
        decay_epochs=step_every,
        decay_rate=step_factor,
        decay_milestones=[m * epochs for m in milestones],  # type: ignore[misc]
        warmup_epochs=warmup * epochs,  # type: ignore[arg-type]
        warmup_lr=0.0,
        step_on_epochs=False,
        updates_per_epoch=TICKS,
    )
    return lambda t: schedule.step_update(t * TICKS)
