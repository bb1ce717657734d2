"""What a trial says while it trains."""

from dataclasses import dataclass

from trainable.run.fold import Metrics


@dataclass(frozen=True)
class Report:
    """An epoch of a trial, all its files written.

    step: epochs done over all folds. score: of this fold's validation rows, NaN where the network diverged.
    decides: every epoch of fold 0, and the end of each later fold; the other epochs are for pictures, and nobody may
    stop a trial on them.
    """

    step: int
    fold: int
    score: float
    decides: bool
    fold_done: bool
    metrics: Metrics
