"""What of a photo the network sees, and at which size."""

from dataclasses import dataclass
from typing import Any

from trainable.config.allowed import between, check, one_of, only, sizes, where


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
