"""Which optimiser and which stage an epoch of a fold has."""

from dataclasses import dataclass

from trainable.config import OptimConfig, StageConfig


@dataclass(frozen=True)
class Span:
    """Epochs `first` to `last` (not included) that one optimiser and its schedule cover."""

    first: int
    last: int
    optimiser: str
    lr: float


def span(optim: OptimConfig, epochs: int, epoch: int) -> Span:
    """The optimiser of an epoch: the first one's, or in the last `second_share` of the epochs SGD's."""
    switch = epochs if optim.second == "none" else epochs - _share(optim.second_share, epochs)
    if epoch < switch:
        return Span(0, switch, optim.name, optim.lr)
    return Span(switch, epochs, optim.second, optim.second_lr)


def is_first_stage(stage: StageConfig, epochs: int, epoch: int) -> bool:
    """Whether an epoch trains on unmasked photos alone."""
    return stage.name == "unmasked" and epoch < _share(stage.share, epochs)


def _share(share: float, epochs: int) -> int:
    """At least one epoch, and at least one is left."""
    return min(max(1, round(share * epochs)), epochs - 1)
