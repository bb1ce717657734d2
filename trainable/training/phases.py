"""Which optimiser an epoch of a fold has, and which rows."""

from dataclasses import dataclass

from trainable.config import OptimConfig, StageConfig


@dataclass(frozen=True)
class OptimiserPhase:
    """Epochs `first` to `last` (not included) that one optimiser and its schedule cover; lr: the body's rate."""

    first: int
    last: int
    optimiser: str
    lr: float


def optimiser_phase(optim: OptimConfig, epochs: int, epoch: int) -> OptimiserPhase:
    """The phase of `epoch` (from 0): the first optimiser's, or in the last `second_share` of the epochs SGD's."""
    switch = epochs if optim.second == "none" else epochs - _epochs_of(optim.second_share, epochs)
    if epoch < switch:
        return OptimiserPhase(0, switch, optim.name, optim.lr)
    return OptimiserPhase(switch, epochs, optim.second, optim.second_lr)


def is_first_stage(stage: StageConfig, epochs: int, epoch: int) -> bool:
    """Whether an epoch trains on the rows of the first stage alone."""
    return stage.rows != "" and epoch < _epochs_of(stage.share, epochs)


def _epochs_of(share: float, epochs: int) -> int:
    """At least one epoch, and at least one is left."""
    return min(max(1, round(share * epochs)), epochs - 1)
