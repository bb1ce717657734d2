"""Optimisers, schedules, and the weights that are kept."""

from dataclasses import dataclass
from typing import Any

from trainable.config.allowed import between, check, one_of, only, where


def are_milestones(value: Any) -> bool:
    good = isinstance(value, tuple) and value and all(isinstance(v, float | int) and 0 < v < 1 for v in value)
    return bool(good) and list(value) == sorted(set(value))


@dataclass(frozen=True)
class OptimConfig:
    """lr: of the body; the head's is lr * head_factor. layer_decay: factor on lr from each layer group to the one
    below it (1: none). momentum: SGD's.
    second "sgd": the last `second_share` of the epochs are SGD's, at `second_lr`, with a schedule of its own.
    warmup: share of all steps. step_every (epochs), milestones (shares of the epochs), step_factor: step schedules.
    cycles: restarts of the cosine, each of them lower by `cycle_decay`.
    clip: largest norm of the gradient, 0 for none. accumulate: batches summed into one step.
    ema: decay of the moving average of weights that is kept instead of them, 0 for none; it warms up.
    """

    name: str = one_of("adamw", "adam", "radam", "sgd", default="adamw")
    lr: float = between(1e-7, 10.0, default=1e-3)
    head_factor: float = between(0.01, 10_000.0, default=1.0)
    layer_decay: float = between(0.1, 1.0, default=1.0)
    weight_decay: float = between(0.0, 1.0, default=0.02)
    momentum: float = only(lambda c: "sgd" in (c.name, c.second), between(0.0, 0.999, default=0.9))
    second: str = one_of("none", "sgd", default="none")
    second_share: float = only(lambda c: c.second != "none", between(0.05, 0.95, default=0.5))
    second_lr: float = only(lambda c: c.second != "none", between(1e-7, 10.0, default=1e-3))
    schedule: str = one_of("cosine", "restarts", "one_cycle", "step", "multistep", "constant", default="cosine")
    warmup: float = only(lambda c: c.schedule != "one_cycle", between(0.0, 0.5, default=0.05))
    step_every: int = only(lambda c: c.schedule == "step", between(1, 1000, default=5))
    step_factor: float = only(lambda c: c.schedule in ("step", "multistep"), between(0.01, 1.0, default=0.5))
    milestones: tuple[float, ...] = only(
        lambda c: c.schedule == "multistep",
        where(are_milestones, "rising shares of the epochs, each above 0 and below 1", default=(0.5, 0.75)),
    )
    cycles: int = only(lambda c: c.schedule == "restarts", between(2, 20, default=2))
    cycle_decay: float = only(lambda c: c.schedule == "restarts", between(0.01, 1.0, default=0.5))
    clip: float = between(0.0, 1000.0, default=0.0)
    accumulate: int = between(1, 256, default=1)
    ema: float = between(0.0, 0.99999, default=0.0)

    def __post_init__(self) -> None:
        check(self)
