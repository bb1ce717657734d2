"""Cross-entropy, torch's own."""

import torch.nn.functional as F
from torch import Tensor

from trainable.training.losses.soft import soften
from trainable.training.losses.terms import mean_of


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    smoothing: float = 0.0,
    weights: Tensor | None = None,
    rows: Tensor | None = None,
    leave_out: int = 0,
) -> Tensor:
    """Mean over the batch of -sum_c w_c q_c log p_c; without smoothing and weights plain cross-entropy.

    torch divides by the weights' sum for hard targets and by B for soft ones; here it is always B. rows, leave_out: as
    in `mean_of`.
    """
    soft = soften(targets, logits.shape[1], smoothing)
    if rows is None and not leave_out:
        return F.cross_entropy(logits, soft, weight=weights)
    return mean_of(F.cross_entropy(logits, soft, weight=weights, reduction="none"), rows, leave_out)
