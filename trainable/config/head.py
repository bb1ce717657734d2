"""What turns the network's last units into classes."""

from dataclasses import dataclass

from trainable.config.allowed import between, check, one_of, only

FITTED = ("lda", "ridge", "logistic", "knn")  # on features of a frozen body, without an epoch of training
LINEAR = ("lda", "ridge", "logistic")


@dataclass(frozen=True)
class HeadConfig:
    """joint: one unit a class. attributes: three heads (mask, gender, age), a class being the product of its three.

    The weights multiply the loss of each head. `age` "ordinal" is a cumulative link model (McCullagh 1980).

    lda, ridge, logistic, knn are fitted on features of a frozen body (`model.freeze: body`), see trainable/features.
    shrinkage: of lda and ridge towards a multiple of the identity; logistic's penalty is shrinkage / (1 - shrinkage) on
    standardised features; 0 chooses it inside the training rows. neighbours: of knn, likewise. parts: whether one head
    tells the classes, or one each attribute, multiplied. calibrate: whether logits are scaled to the best
    log-likelihood inside the training rows.
    """

    name: str = one_of("joint", "attributes", *FITTED, default="joint")
    age: str = one_of("classes", "ordinal", default="classes")
    mask_weight: float = only(lambda c: c.name == "attributes", between(0.01, 100.0, default=1.0))
    gender_weight: float = only(lambda c: c.name == "attributes", between(0.01, 100.0, default=1.0))
    age_weight: float = only(lambda c: c.name == "attributes", between(0.01, 100.0, default=1.0))
    shrinkage: float = only(lambda c: c.name in LINEAR, between(0.0, 0.9999, default=0.0))
    neighbours: int = only(lambda c: c.name == "knn", between(0, 1000, default=0))
    parts: str = only(lambda c: c.name in LINEAR, one_of("classes", "attributes", default="classes"))
    calibrate: bool = only(lambda c: c.name in FITTED, one_of(True, False, default=True))

    def __post_init__(self) -> None:
        check(self)
