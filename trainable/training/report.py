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

    @property
    def starting(self) -> float:
        """Seconds of it that were no training: workers began, the network's fastest way was found and recorded."""
        return self.metrics.get("starting", 0.0)

    @property
    def pace(self) -> float:
        """Seconds that such an epoch takes, once it has started."""
        return self.metrics.get("seconds", 0.0) - self.starting
