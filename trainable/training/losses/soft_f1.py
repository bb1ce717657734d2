"""Macro-F1 made differentiable: counts become sums of probabilities."""

import torch
from torch import Tensor

from trainable.training.losses.soft import soften


def soft_f1(
    logits: Tensor,
    targets: Tensor,
    *,
    smoothing: float = 0.0,
    weights: Tensor | None = None,
    rows: Tensor | None = None,
) -> Tensor:
    """1 - mean F1, with 2 sum(p q) / (sum p + sum q) a class, over the classes that the batch holds.

    A class that is absent has no true positives whatever is predicted; averaging it in would only add noise. One of
    which soft targets hold less than a photo counts for so much. Nothing
    is selected by a condition: that would make the host wait for the device. `weights` are refused by `build_loss`.
    rows: float32 [B], how much each photo counts in these sums.
    """
    classes = logits.shape[1]
    target = soften(targets, classes, smoothing)
    present = soften(targets, classes, 0.0).sum(0).clamp_max(1)
    p = logits.softmax(1)
    overlap = p * target
    if rows is not None:
        overlap, p, target = (sums * rows[:, None] for sums in (overlap, p, target))
    f1 = 2 * overlap.sum(0) / (p.sum(0) + target.sum(0)).clamp_min(torch.finfo(p.dtype).eps)
    return 1 - (f1 * present).sum() / present.sum()
