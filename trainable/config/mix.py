"""Mixing of pairs of training images."""

from dataclasses import dataclass
from typing import Any

from trainable.config.allowed import between, check, column_value, one_of, only, where
from trainable.errors import InputError


def is_ratio(value: Any) -> bool:
    good = isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, float | int) for v in value)
    return good and 0 < value[0] <= value[1] < 1


def is_partner(value: Any) -> bool:
    return value in ("any", "same") or column_value(value, empty=False)


@dataclass(frozen=True)
class MixConfig:
    """Pairs of a batch become one image, with a batch's probability `p`; targets become shares.

    cutmix: a box (Yun 2019). halves: left of one beside right of the other, cut at a share drawn from `ratio`.
    mixup: a weighted mean (Zhang 2018). alpha: of the Beta distribution that boxes and weights come from.
    partner: any other photo of the batch, one of the same class, or one of COLUMN=VALUE, as rows train.
    """

    name: str = one_of("none", "cutmix", "halves", "mixup", default="none")
    p: float = only(lambda c: c.name != "none", between(0.01, 1.0, default=0.5))
    alpha: float = only(lambda c: c.name in ("cutmix", "mixup"), between(0.01, 10.0, default=1.0))
    ratio: tuple[float, float] = only(
        lambda c: c.name == "halves", where(is_ratio, "(low, high), 0 < low <= high < 1", default=(0.46, 0.54))
    )
    partner: str = only(lambda c: c.name != "none", where(is_partner, "any, same, or COLUMN=VALUE", default="any"))

    def __post_init__(self) -> None:
        check(self)
        if self.name == "mixup" and self.partner == "same":
            raise InputError("mix.partner: received 'same' with mixup; allowed: any or COLUMN=VALUE, or none mix")
