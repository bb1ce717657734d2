"""What turns the network's last units into classes."""

from dataclasses import dataclass
from typing import Any

from trainable.config.allowed import between, by_name, check, names, one_of, only

FITTED = ("lda", "ridge", "logistic", "knn")  # on features of a frozen body, without an epoch of training
LINEAR = ("lda", "ridge", "logistic")


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.01 <= value <= 100


@dataclass(frozen=True)
class HeadConfig:
    """joint: one unit a class. attributes: a head for each attribute, a class being the product of its values.

    weights: {attribute: what multiplies the loss of its head}, 1 where none is given. ordinal: attributes whose head is
    a cumulative link model (McCullagh 1980), which needs an order of their values.

    lda, ridge, logistic, knn are fitted on features of a frozen body (`model.freeze: body`), see trainable/features.
    shrinkage: of lda and ridge towards a multiple of the identity; logistic's penalty is shrinkage / (1 - shrinkage) on
    standardised features; 0 chooses it inside the training rows. neighbours: of knn, likewise. parts: whether one head
    tells the classes, or one each attribute, multiplied. calibrate: whether logits are scaled to the best
    log-likelihood inside the training rows.

    init frozen: the last layer of fold k's network starts as the linear discriminant of fold k's training rows, on what
    the network says of them before any training (LP-FT, Kumar 2022, https://arxiv.org/abs/2202.10054).
    """

    name: str = one_of("joint", "attributes", *FITTED, default="joint")
    ordinal: tuple[str, ...] = names("attributes that have an order")
    weights: tuple[tuple[str, float], ...] = only(
        lambda c: c.name == "attributes", by_name(_is_weight, "a number from 0.01 to 100.0")
    )
    shrinkage: float = only(lambda c: c.name in LINEAR, between(0.0, 0.9999, default=0.0))
    neighbours: int = only(lambda c: c.name == "knn", between(0, 1000, default=0))
    parts: str = only(lambda c: c.name in LINEAR, one_of("classes", "attributes", default="classes"))
    calibrate: bool = only(lambda c: c.name in FITTED, one_of(True, False, default=True))
    init: str = only(
        lambda c: c.init != "random" and c.name not in FITTED, one_of("random", "frozen", default="random")
    )

    def __post_init__(self) -> None:
        check(self)
