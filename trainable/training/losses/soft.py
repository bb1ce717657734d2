"""Targets as probabilities."""

import torch
import torch.nn.functional as F
from torch import Tensor


def soften(targets: Tensor, classes: int, smoothing: float) -> Tensor:
    """Targets int64[B] or float32 [B, C] as probabilities, `smoothing` of their mass spread evenly (Szegedy 2016)."""
    if targets.dim() == 1 and not targets.is_floating_point():
        hard = F.one_hot(targets, classes).float()
    elif targets.dim() == 2 and targets.shape[1] == classes and targets.is_floating_point():
        hard = targets
    else:
        raise ValueError(
            f"targets: received {targets.dtype} {tuple(targets.shape)}; allowed: int64 [B] or float [B, {classes}]"
        )
    return torch.lerp(hard, torch.full_like(hard, 1 / classes), smoothing)
