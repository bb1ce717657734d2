"""From the losses of photos to that of a batch."""

from torch import Tensor


def mean_of(terms: Tensor, rows: Tensor | None, leave_out: int) -> Tensor:
    """Mean over the batch of terms float32 [B], times weights float32 [B] of its rows where there are any.

    leave_out: so many of the largest do not count, one at least is left.
    """
    weighted = terms if rows is None else terms * rows
    if not leave_out:
        return weighted.mean()
    kept = terms.topk(max(1, len(terms) - leave_out), largest=False).indices
    return weighted[kept].mean()
