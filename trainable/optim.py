"""Optimisers and schedules, from timm."""

from typing import Any

import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.scheduler.scheduler import Scheduler
from torch import nn

from trainable.validate import unknown

OPTIMISERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "step", "constant")


def build_optimiser(
    model: nn.Module, *, name: str, lr: float, weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """timm's factory leaves biases and norms out of the weight decay; SGD is Nesterov's."""
    if name not in OPTIMISERS:
        raise unknown("optimiser", name, OPTIMISERS)
    options: dict[str, Any] = {"momentum": momentum} if name == "sgd" else {}
    return create_optimizer_v2(model, opt=name, lr=lr, weight_decay=weight_decay, **options)


def build_schedule(
    optimiser: torch.optim.Optimizer,
    *,
    name: str,
    epochs: int,
    steps_per_epoch: int,
    warmup: float,
    step_every: int,
    step_factor: float,
) -> Scheduler:
    """A schedule that is a pure function of the step: `schedule.step_update(step)`; so resuming needs no state."""
    if name not in SCHEDULES:
        raise unknown("schedule", name, SCHEDULES)
    warm_steps = round(warmup * epochs * steps_per_epoch)
    schedule, _ = create_scheduler_v2(
        optimiser,
        sched=name,
        num_epochs=epochs,
        decay_epochs=step_every,
        decay_rate=step_factor,
        warmup_epochs=warm_steps / steps_per_epoch,  # type: ignore[arg-type]  # timm multiplies it back to steps
        warmup_lr=0.0,
        step_on_epochs=False,
        updates_per_epoch=steps_per_epoch,
    )
    return schedule
