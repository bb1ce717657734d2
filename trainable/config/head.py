"""What turns the network's last units into classes."""

from dataclasses import dataclass

from trainable.config.allowed import between, check, one_of, only


@dataclass(frozen=True)
class HeadConfig:
    """joint: one unit a class. attributes: three heads (mask, gender, age), a class being the product of its three.

    The weights multiply the loss of each head. `age` "ordinal" is a cumulative link model (McCullagh 1980).
    """

    name: str = one_of("joint", "attributes", default="joint")
    age: str = one_of("classes", "ordinal", default="classes")
    mask_weight: float = only(lambda c: c.name == "attributes", between(0.01, 100.0, default=1.0))
    gender_weight: float = only(lambda c: c.name == "attributes", between(0.01, 100.0, default=1.0))
    age_weight: float = only(lambda c: c.name == "attributes", between(0.01, 100.0, default=1.0))

    def __post_init__(self) -> None:
        check(self)
