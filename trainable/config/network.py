"""What the network is and what it sees."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from trainable.config.fields import between, check, one_of, only, sizes, unknown, where


@cache
def known_backbones() -> tuple[str, ...]:
    """Every timm model name; imported late because timm takes seconds to import."""
    import timm

    return tuple(timm.list_models())


@dataclass(frozen=True)
class ModelConfig:
    """`freeze`: stages of the body that keep their first weights, the stem with them; in a ViT a stage is a block.

    "body" freezes all but the head, and then features are computed once a fold instead of every epoch.
    """

    backbone: str = "resnet18"
    pretrained: bool = one_of(True, False, default=True)
    drop_rate: float = between(0.0, 0.9, default=0.0)
    freeze: int | str = one_of(0, 1, 2, "body", default=0)

    def __post_init__(self) -> None:
        check(self)
        if self.backbone not in known_backbones():
            raise unknown("backbone", self.backbone, known_backbones())


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


def is_crop(value: Any) -> bool:
    return (
        isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, float | int) and 0 < v <= 1 for v in value)
    )


@dataclass(frozen=True)
class InputConfig:
    """`store` is the size the photos are kept at, `size` what the network sees, both (height, width) in pixels.

    `crop` is the centre that is cut out first, in shares of the photo's height and width: 320x256 of 512x384 is
    (0.625, 0.667). `region` "face" cuts out the face box widened by `margin` of its size on every side instead; photos
    without a face found take the centre. `background` "removed" is GrabCut from the face box (Rother 2004). `detector`:
    what finds faces, OpenCV's frontal cascade, or MTCNN (Zhang 2016) where facenet-pytorch can be imported.
    """

    store: tuple[int, int] = sizes(16, 2048, default=(512, 384))
    region: str = one_of("centre", "face", default="centre")
    detector: str = only(
        lambda c: c.region == "face" or c.background == "removed", one_of("cascade", "mtcnn", default="cascade")
    )
    margin: float = only(lambda c: c.region == "face", between(0.0, 2.0, default=0.4))
    crop: tuple[float, float] = where(is_crop, "(height, width), each above 0 and at most 1", default=(1.0, 1.0))
    background: str = one_of("keep", "removed", default="keep")
    size: tuple[int, int] = sizes(16, 2048, default=(256, 192))
    normalise: str = one_of("imagenet", "backbone", "dataset", default="imagenet")

    def __post_init__(self) -> None:
        check(self)
