"""Cross-entropy, torch's own."""

import torch.nn.functional as F
from torch import Tensor

from trainable.training.losses.soft import soften


def cross_entropy(logits: Tensor, targets: Tensor, *, smoothing: float = 0.0, weights: Tensor | None = None) -> Tensor:
    """Mean over the batch of -sum_c w_c q_c log p_c; without smoothing and weights plain cross-entropy.

    torch divides by the weights' sum for hard targets and by B for soft ones; here it is always B.
    """
    return F.cross_entropy(logits, soften(targets, logits.shape[1], smoothing), weight=weights)
