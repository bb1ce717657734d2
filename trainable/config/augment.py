"""Augmentation of training images."""

from dataclasses import dataclass, fields

from trainable.config.allowed import between, check, column_value, one_of, only, where


@dataclass(frozen=True)
class AugmentConfig:
    """A preset (`policy`), then single techniques on top of it; "none" with techniques is a pipeline of your own.

    hflip, vflip, clahe, blur, noise, invert, grey, canny, erasing: probabilities. hflip_only: COLUMN=VALUE, the rows
    that are flipped with `hflip` while no other is.
    rotate: degrees. shift, scale: shares of the photo. brightness, contrast, jitter (all four of ColorJitter), hue,
    saturation, lightness: shares of the full range. Each is the largest change, made with probability `p`.
    turn: probability of a turn by a multiple of 90 degrees, of 180 where the network's input is no square: for photos
    without an upright position. resized_crop: the largest share of the photo's area that a random crop leaves out
    before the rest is brought to the network's size (Szegedy 2015).
    holes: coarse dropout of 1 to `holes` squares; hole_size: pixels of the network's input from 1 on, below that a
    share of its sides. rand_ops, rand_magnitude: RandAugment's N and M (0..10).
    """

    policy: str = one_of("none", "light", "strong", default="light")
    hflip: float = between(0.0, 1.0, default=0.0)
    hflip_only: str = only(lambda c: c.hflip, where(column_value, "COLUMN=VALUE, or nothing", default=""))
    vflip: float = between(0.0, 1.0, default=0.0)
    turn: float = only(lambda c: c.turn, between(0.0, 1.0, default=0.0))
    resized_crop: float = only(lambda c: c.resized_crop, between(0.0, 0.95, default=0.0))
    rotate: float = between(0.0, 45.0, default=0.0)
    shift: float = between(0.0, 0.3, default=0.0)
    scale: float = between(0.0, 0.5, default=0.0)
    brightness: float = between(0.0, 0.8, default=0.0)
    contrast: float = between(0.0, 0.8, default=0.0)
    jitter: float = between(0.0, 0.5, default=0.0)
    hue: float = between(0.0, 0.5, default=0.0)
    saturation: float = between(0.0, 1.0, default=0.0)
    lightness: float = between(0.0, 1.0, default=0.0)
    p: float = only(lambda c: c.limits() or c.holes, between(0.01, 1.0, default=0.5))
    clahe: float = between(0.0, 1.0, default=0.0)
    blur: float = between(0.0, 1.0, default=0.0)
    noise: float = between(0.0, 1.0, default=0.0)
    invert: float = between(0.0, 1.0, default=0.0)
    grey: float = between(0.0, 1.0, default=0.0)
    canny: float = between(0.0, 1.0, default=0.0)
    holes: int = between(0, 32, default=0)
    hole_size: float = only(lambda c: c.holes, between(0.01, 512.0, default=0.1))
    erasing: float = between(0.0, 1.0, default=0.0)
    rand_ops: int = between(0, 4, default=0)
    rand_magnitude: float = only(lambda c: c.rand_ops, between(0.1, 10.0, default=5.0))

    def __post_init__(self) -> None:
        check(self)

    def limits(self) -> bool:
        """Whether a technique is on that is a limit, made with probability `p`."""
        names = "rotate shift scale brightness contrast jitter hue saturation lightness"
        return any(getattr(self, name) for name in names.split())

    @property
    def changes(self) -> bool:
        """Whether anything is done to an image."""
        settings = {"p", "hole_size", "rand_magnitude", "policy", "hflip_only"}
        return self.policy != "none" or any(getattr(self, f.name) for f in fields(self) if f.name not in settings)
