"""Focal loss (Lin 2017, https://arxiv.org/abs/1708.02002)."""

import torch.nn.functional as F
from torch import Tensor

from trainable.training.losses.soft import soften
from trainable.training.losses.terms import mean_of


def focal(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma: float = 2.0,
    smoothing: float = 0.0,
    weights: Tensor | None = None,
    rows: Tensor | None = None,
    leave_out: int = 0,
) -> Tensor:
    """Mean of -sum_c w_c q_c (1 - p_c)^gamma log p_c, with soft targets q. gamma 0 is cross-entropy.

    rows, leave_out: as in `mean_of`.
    """
    target = soften(targets, logits.shape[1], smoothing)
    log_p = F.log_softmax(logits, dim=1)
    # The clamp keeps the slope of x^gamma finite at 0 for gamma below 1.
    away = (-log_p.expm1()).clamp_min(1e-6)
    terms = target * away.pow(gamma) * log_p
    each = (terms if weights is None else terms * weights).sum(1)
    return -each.mean() if rows is None and not leave_out else mean_of(-each, rows, leave_out)
