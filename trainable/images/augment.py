"""Augmentation of training images, on uint8 with albumentations. Validation and test images never pass here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from trainable.errors import unknown
from trainable.images.affine import Affine
from trainable.images.chain import A, Chain, chain
from trainable.images.framing import Turn, resized_crop
from trainable.randomness import SampleRandom

Augment = Callable[[np.ndarray, int, int], np.ndarray]


@dataclass(frozen=True)
class Augmentation:
    """What `build_augment` takes: a preset, the options of `techniques`, and which rows are flipped.

    `flipped` bool[N], a value a row of the manifest: the rows that `hflip` is for, None for all.
    """

    policy: str
    options: dict[str, Any] = field(default_factory=dict)
    flipped: np.ndarray | None = None


def none(flip: float | None = None) -> list[A.BasicTransform]:
    return [A.HorizontalFlip(p=flip)] if flip else []


def light(flip: float | None = None) -> list[A.BasicTransform]:
    """Mirrored, moved a little, under other light: what any photo of a face may be."""
    return [
        A.HorizontalFlip(p=0.5 if flip is None else flip),
        Affine(
            translate_percent=(-0.05, 0.05), scale=(0.92, 1.08), rotate=(-6, 6), border_mode=cv2.BORDER_REFLECT, p=0.5
        ),
        A.RandomBrightnessContrast(brightness_limit=0.15, contrast_limit=0.15, p=0.5),
    ]


def strong(flip: float | None = None) -> list[A.BasicTransform]:
    """Further off, other colours and holes. Strong colour and blur hide what skin shows, hence the small shares."""
    return [
        A.HorizontalFlip(p=0.5 if flip is None else flip),
        Affine(
            translate_percent=(-0.08, 0.08),
            scale=(0.85, 1.15),
            rotate=(-15, 15),
            border_mode=cv2.BORDER_REFLECT,
            p=0.7,
        ),
        A.RandomBrightnessContrast(brightness_limit=0.25, contrast_limit=0.25, p=0.6),
        A.HueSaturationValue(hue_shift_limit=6, sat_shift_limit=20, val_shift_limit=10, p=0.3),
        A.GaussianBlur(blur_limit=(3, 3), p=0.1),
        A.CoarseDropout(num_holes_range=(1, 4), hole_height_range=(0.08, 0.2), hole_width_range=(0.08, 0.2), p=0.5),
    ]


POLICIES = {"none": none, "light": light, "strong": strong}


def edges(image: np.ndarray, **_: Any) -> np.ndarray:
    """Canny's edges, white on black, in place of the photo (Canny 1986)."""
    found = cv2.Canny(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), 80, 160)
    return cv2.merge((found, found, found))


def randaugment(ops: int, magnitude: float) -> A.SomeOf:
    """N of these at magnitude M of 10 (Cubuk 2020, https://arxiv.org/abs/1909.13719)."""
    m = magnitude / 10
    border = {"border_mode": cv2.BORDER_REFLECT, "p": 1.0}
    return A.SomeOf(
        [
            A.NoOp(p=1.0),
            A.AutoContrast(p=1.0),
            A.Equalize(p=1.0),
            Affine(rotate=(-30 * m, 30 * m), **border),
            Affine(shear={"x": (-17 * m, 17 * m), "y": (0, 0)}, **border),
            Affine(shear={"x": (0, 0), "y": (-17 * m, 17 * m)}, **border),
            Affine(translate_percent={"x": (-0.3 * m, 0.3 * m), "y": (0, 0)}, **border),
            Affine(translate_percent={"x": (0, 0), "y": (-0.3 * m, 0.3 * m)}, **border),
            A.RandomBrightnessContrast(brightness_limit=0.9 * m, contrast_limit=0, p=1.0),
            A.RandomBrightnessContrast(brightness_limit=0, contrast_limit=0.9 * m, p=1.0),
            A.HueSaturationValue(hue_shift_limit=0, sat_shift_limit=230 * m, val_shift_limit=0, p=1.0),
            A.Sharpen(alpha=(0.9 * m, 0.9 * m), p=1.0),
            A.Posterize(num_bits=min(7, 8 - round(4 * m)), p=1.0),
            A.Solarize(threshold_range=(1 - m, 1 - m), p=1.0),
        ],
        n=ops,
        replace=True,
        p=1.0,
    )


def moved(rotate: float, shift: float, scale: float, p: float) -> A.BasicTransform:
    """Turned by up to `rotate` degrees, shifted by up to a share `shift`, larger or smaller by up to `scale`."""
    return Affine(
        rotate=(-rotate, rotate),
        translate_percent=(-shift, shift),
        scale=(1 - scale, 1 + scale),
        border_mode=cv2.BORDER_REFLECT,
        p=p,
    )


def jittered(strength: float, p: float) -> A.BasicTransform:
    """Brightness, contrast and saturation within 1 +- strength, the hue by up to half of it."""
    around = (1 - strength, 1 + strength)
    return A.ColorJitter(around, around, around, (-strength / 2, strength / 2), p=p)


def techniques(
    *,
    vflip: float = 0.0,
    turn: float = 0.0,
    rotate: float = 0.0,
    shift: float = 0.0,
    scale: float = 0.0,
    brightness: float = 0.0,
    contrast: float = 0.0,
    jitter: float = 0.0,
    hue: float = 0.0,
    saturation: float = 0.0,
    lightness: float = 0.0,
    p: float = 0.5,
    clahe: float = 0.0,
    blur: float = 0.0,
    noise: float = 0.0,
    invert: float = 0.0,
    grey: float = 0.0,
    canny: float = 0.0,
    holes: int = 0,
    hole_size: float = 0.1,
    erasing: float = 0.0,
    rand_ops: int = 0,
    rand_magnitude: float = 5.0,
) -> list[A.BasicTransform]:
    """The single techniques that are on (see AugmentConfig), in the order: geometry, colour, what hides parts."""
    side = int(hole_size) if hole_size >= 1 else float(hole_size)  # pixels, or a share
    table: list[tuple[Any, Callable[[], Any]]] = [
        (vflip, lambda: A.VerticalFlip(p=vflip)),
        (turn, lambda: Turn(p=turn)),
        (rotate or shift or scale, lambda: moved(rotate, shift, scale, p)),
        (
            brightness or contrast,
            lambda: A.RandomBrightnessContrast(brightness_limit=brightness, contrast_limit=contrast, p=p),
        ),
        (jitter, lambda: jittered(jitter, p)),
        (hue or saturation or lightness, lambda: A.HueSaturationValue(180 * hue, 255 * saturation, 255 * lightness, p)),
        (rand_ops, lambda: randaugment(rand_ops, rand_magnitude)),
        (clahe, lambda: A.CLAHE(clip_limit=(1, 4), p=clahe)),
        (blur, lambda: A.GaussianBlur(blur_limit=(3, 7), p=blur)),
        (noise, lambda: A.GaussNoise(std_range=(0.02, 0.1), p=noise)),
        (grey, lambda: A.ToGray(p=grey)),
        (invert, lambda: A.InvertImg(p=invert)),
        (canny, lambda: A.Lambda(image=edges, name="canny", p=canny)),
        (
            holes,
            lambda: A.CoarseDropout(
                num_holes_range=(1, max(1, holes)), hole_height_range=(side, side), hole_width_range=(side, side), p=p
            ),
        ),
        (erasing, lambda: A.Erasing(scale=(0.02, 0.33), ratio=(0.3, 3.3), fill="random_uniform", p=erasing)),
    ]
    return [make() for on, make in table if on]


def pipeline(
    policy: str, flip: float | None, options: dict[str, Any], size: tuple[int, int] | None
) -> list[A.BasicTransform]:
    """All that is on, in order; a crop to `size` comes first."""
    left_out = options.get("resized_crop", 0.0)
    crop = [resized_crop(left_out, size)] if left_out else []
    others = {name: value for name, value in options.items() if name != "resized_crop"}
    return [*crop, *POLICIES[policy](flip), *techniques(**others)]


def build_augment(policy: str | Augmentation, seed: int, size: tuple[int, int] | None = None) -> Augment:
    """A function (image uint8 [h, w, 3], epoch, row) -> uint8 [*size, 3]; the same answer for the same arguments.

    `size` None: images have the size they shall have.
    """
    spec = policy if isinstance(policy, Augmentation) else Augmentation(policy)
    if spec.policy not in POLICIES:
        raise unknown("augmentation policy", spec.policy, POLICIES)
    options = dict(spec.options)
    flip, stream, flipped = options.pop("hflip", 0.0) or None, SampleRandom(), spec.flipped
    own = chain(pipeline(spec.policy, flip, options, size), stream, size)
    if flip is None or flipped is None:
        return _keyed(lambda row: own, stream, seed)
    others = chain(pipeline(spec.policy, 0.0, options, size), stream, size)
    return _keyed(lambda row: own if flipped[row] else others, stream, seed)


def _keyed(pick: Callable[[int], Chain], stream: SampleRandom, seed: int) -> Augment:
    def augment(image: np.ndarray, epoch: int, row: int) -> np.ndarray:
        stream.key(seed, epoch, row)
        return pick(row)(image)

    return augment
