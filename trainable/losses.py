"""Losses on logits float32 [B, C] and targets int64[B] (or probabilities float32 [B, C])."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from trainable.validate import unknown

Loss = Callable[[Tensor, Tensor], Tensor]


def soften(targets: Tensor, classes: int, smoothing: float) -> Tensor:
    """Targets as probabilities [B, C], with `smoothing` of their mass spread evenly (Szegedy 2016)."""
    hard = F.one_hot(targets, classes).float() if targets.dim() == 1 else targets
    return hard * (1 - smoothing) + smoothing / classes


def cross_entropy(logits: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """torch's own; zero smoothing is plain cross-entropy."""
    return F.cross_entropy(logits, targets, label_smoothing=smoothing)


def focal(logits: Tensor, targets: Tensor, *, gamma: float = 2.0, smoothing: float = 0.0) -> Tensor:
    """Mean of -sum_c q_c (1 - p_c)^gamma log p_c (Lin 2017, with soft targets q). gamma 0 is cross-entropy."""
    target = soften(targets, logits.shape[1], smoothing)
    log_p = F.log_softmax(logits, dim=1)
    return -(target * (1 - log_p.exp()).pow(gamma) * log_p).sum(1).mean()


def soft_f1(logits: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """1 - macro-F1 with counts replaced by probabilities, over the classes that the batch holds.

    A class that is absent has no true positives whatever is predicted; averaging it in would only add noise.
    """
    target = soften(targets, logits.shape[1], smoothing)
    present = soften(targets, logits.shape[1], 0.0).sum(0) > 0
    p = logits.softmax(1)
    hits = (p * target).sum(0)
    f1 = 2 * hits / (p.sum(0) + target.sum(0))
    return 1 - f1[present].mean()


LOSSES = {"cross_entropy": cross_entropy, "focal": focal, "soft_f1": soft_f1}


def build_loss(name: str, *, smoothing: float = 0.0, gamma: float = 2.0, f1_weight: float = 0.0) -> Loss:
    """A function (logits, targets) -> scalar; `f1_weight` w makes it (1 - w) * loss + w * soft_f1."""
    if name not in LOSSES:
        raise unknown("loss", name, LOSSES)
    options = {"smoothing": smoothing, **({"gamma": gamma} if name == "focal" else {})}

    def base(logits: Tensor, targets: Tensor) -> Tensor:
        return LOSSES[name](logits, targets, **options)

    if not f1_weight:
        return base
    return lambda logits, targets: torch.lerp(
        base(logits, targets), soft_f1(logits, targets, smoothing=smoothing), f1_weight
    )
