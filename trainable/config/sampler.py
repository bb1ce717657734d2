"""Which training rows an epoch shows."""

from dataclasses import dataclass

from trainable.config.allowed import between, check, one_of, only


@dataclass(frozen=True)
class SamplerConfig:
    """weighted: a row is drawn in proportion to (rows of its class) ** -power; 0 is uniform, 1 balances the classes.

    effective: in proportion to 1 / effective number of its class, (1 - beta^n) / (1 - beta) (Cui 2019).
    balanced: every batch holds the classes alike.
    """

    name: str = one_of("shuffle", "weighted", "effective", "balanced", default="shuffle")
    power: float = only(lambda c: c.name == "weighted", between(0.0, 1.0, default=0.5))
    beta: float = only(lambda c: c.name == "effective", between(0.0, 0.99999, default=0.999))

    def __post_init__(self) -> None:
        check(self)
