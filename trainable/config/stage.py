"""Two-stage training."""

from dataclasses import dataclass

from trainable.config.allowed import between, check, one_of, only


@dataclass(frozen=True)
class StageConfig:
    """unmasked: the first `share` of the epochs trains on the photos without a mask, with the classes gender x age."""

    name: str = one_of("none", "unmasked", default="none")
    share: float = only(lambda c: c.name != "none", between(0.05, 0.95, default=0.3))

    def __post_init__(self) -> None:
        check(self)
