"""Losses of parts of a class: of an attribute's head, or of gender x age in a first stage.

Networks answer with logits of the 18 classes in every case. A part is what is left after summing over the other
attributes; for a network of three heads, whose classes are products, that is the head's own distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from trainable.data.labels import ATTRIBUTES, SIZES

NAMES = tuple(ATTRIBUTES)


@dataclass(frozen=True)
class Task:
    """The attributes that are told apart, and how much their loss counts; () is the target's classes as they are."""

    keep: tuple[str, ...] = ()
    weight: float = 1.0


def tasks_of(head: str, weights: Sequence[float], unmasked: bool, target: str) -> list[Task]:
    """What is learnt by a head ("joint", "attributes"), `unmasked` in a first stage that knows no masks."""
    if head == "attributes":
        pairs = [Task((name,), weight) for name, weight in zip(NAMES, weights, strict=True)]
        return pairs[1:] if unmasked else pairs
    return [Task(("gender", "age"))] if unmasked and target == "joint" else [Task()]


def dropped(keep: tuple[str, ...]) -> tuple[int, ...]:
    """Axes of [B, mask, gender, age] that are summed away."""
    return tuple(axis for axis, name in enumerate(NAMES, start=1) if name not in keep)


def part_logits(logits: Tensor, keep: tuple[str, ...]) -> Tensor:
    """float32 [B, 18] -> [B, classes of the part]: log-probabilities."""
    if not keep:
        return logits
    joint = F.log_softmax(logits, 1).view(-1, *SIZES)
    return torch.logsumexp(joint, dropped(keep)).flatten(1)


def part_targets(targets: Tensor, keep: tuple[str, ...]) -> Tensor:
    """int64[B] below 18, or probabilities float32 [B, 18], to those of the part."""
    if not keep:
        return targets
    if targets.is_floating_point():
        return targets.view(-1, *SIZES).sum(dropped(keep)).flatten(1)
    mask, gender, age = targets // 6, targets // 3 % 2, targets % 3
    found = torch.zeros_like(targets)
    for name, value, size in zip(NAMES, (mask, gender, age), SIZES, strict=True):
        if name in keep:
            found = found * size + value
    return found


def part_size(keep: tuple[str, ...], classes: int) -> int:
    size = 1
    for name, count in zip(NAMES, SIZES, strict=True):
        size *= count if name in keep else 1
    return size if keep else classes
