"""Losses on logits float32 [B, C] and targets int64[B], or probabilities float32 [B, C] (mixed images)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from trainable.errors import InputError, unknown
from trainable.training.losses.cross_entropy import cross_entropy
from trainable.training.losses.focal import focal
from trainable.training.losses.soft import soften
from trainable.training.losses.soft_f1 import soft_f1
from trainable.training.losses.tasks import Part

__all__ = ["LOSSES", "Loss", "Part", "build_loss", "cross_entropy", "focal", "soft_f1", "soften", "sum_tasks"]

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]
LOSSES = {"cross_entropy": cross_entropy, "focal": focal, "soft_f1": soft_f1}


def build_loss(
    name: str,
    *,
    smoothing: float = 0.0,
    gamma: float = 2.0,
    f1_weight: float = 0.0,
    weights: Tensor | None = None,
    leave_out: int = 0,
) -> Loss:
    """A function (logits, targets, rows) -> scalar; `f1_weight` w makes it (1 - w) * loss + w * soft_f1.

    `weights` float32[C], on the device, multiply the terms of each class; rows float32[B] or None those of each photo.
    leave_out: so many of the largest terms of a batch do not count; soft F1 has none.
    """
    if name not in LOSSES:
        raise unknown("loss", name, LOSSES)
    if name == "soft_f1" and weights is not None:
        raise InputError("loss soft_f1: received class weights; allowed: none, it weighs classes alike already")
    options: dict[str, Any] = {"smoothing": smoothing, "weights": weights}
    if name == "focal":
        options["gamma"] = gamma
    if name != "soft_f1":
        options["leave_out"] = leave_out

    def base(logits: Tensor, targets: Tensor, rows: Tensor | None = None) -> Tensor:
        return LOSSES[name](logits, targets, rows=rows, **options)

    def mixed(logits: Tensor, targets: Tensor, rows: Tensor | None = None) -> Tensor:
        f1 = soft_f1(logits, targets, smoothing=smoothing, rows=rows)
        return torch.lerp(base(logits, targets, rows), f1, f1_weight)

    return mixed if f1_weight and name != "soft_f1" else base


def sum_tasks(tasks: list[tuple[float, Part, Loss]]) -> Loss:
    """sum of weight * loss over (weight, part, loss), each loss on its part of the classes."""

    def total(logits: Tensor, targets: Tensor, rows: Tensor | None = None) -> Tensor:
        terms = [weight * loss(part.logits(logits), part.targets(targets), rows) for weight, part, loss in tasks]
        return torch.stack(terms).sum()

    return total
