"""What training minimises."""

from dataclasses import dataclass

from trainable.config.allowed import between, check, one_of, only


@dataclass(frozen=True)
class LossConfig:
    """`f1_weight` mixes soft macro-F1 into cross-entropy or focal loss: (1 - w) * loss + w * f1.

    class_weights power: (rows of the class) ** -weight_power; effective: 1 / effective number (Cui 2019); their mean
    over the training rows is 1. They do not enter soft macro-F1, which weighs classes alike already.
    leave_out: so many of the largest losses of a batch do not count: their labels may be wrong (sixth place of PANDA).
    Of a batch that goes through the memory in parts as many of each, of several heads of each.
    """

    name: str = one_of("cross_entropy", "focal", "soft_f1", default="cross_entropy")
    smoothing: float = between(0.0, 0.5, default=0.0)
    gamma: float = only(lambda c: c.name == "focal", between(0.0, 10.0, default=2.0))
    f1_weight: float = only(lambda c: c.name != "soft_f1", between(0.0, 1.0, default=0.0))
    class_weights: str = only(lambda c: c.name != "soft_f1", one_of("none", "power", "effective", default="none"))
    weight_power: float = only(
        lambda c: c.name != "soft_f1" and c.class_weights == "power", between(0.0, 1.0, default=0.5)
    )
    weight_beta: float = only(
        lambda c: c.name != "soft_f1" and c.class_weights == "effective", between(0.0, 0.99999, default=0.999)
    )

    leave_out: int = only(lambda c: c.name != "soft_f1" and c.leave_out, between(0, 1024, default=0))

    def __post_init__(self) -> None:
        check(self)
