"""Augmentation of training images, on uint8 with albumentations. Validation and test images never pass here."""

import os
from collections.abc import Callable

import cv2
import numpy as np

from trainable.randomness import SampleRandom
from trainable.validate import unknown

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network at import

import albumentations as A

Augment = Callable[[np.ndarray, int, int], np.ndarray]


def none() -> list[A.BasicTransform]:
    return []


def light() -> list[A.BasicTransform]:
    """Mirrored, moved a little, under other light: what any photo of a face may be."""
    return [
        A.HorizontalFlip(p=0.5),
        A.Affine(translate_percent=0.05, scale=(0.92, 1.08), rotate=(-6, 6), border_mode=cv2.BORDER_REFLECT, p=0.5),
        A.RandomBrightnessContrast(brightness_limit=0.15, contrast_limit=0.15, p=0.5),
    ]


def strong() -> list[A.BasicTransform]:
    """Further off, other colours and holes. Strong colour and blur hurt age, hence the small shares."""
    return [
        A.HorizontalFlip(p=0.5),
        A.Affine(
            translate_percent=0.08,
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


def build_augment(policy: str, seed: int) -> Augment:
    """A function (image uint8 [H, W, 3], epoch, row) -> uint8 [H, W, 3]; the same answer for the same arguments."""
    if policy not in POLICIES:
        raise unknown("augmentation policy", policy, POLICIES)
    transforms = POLICIES[policy]()
    if not transforms:
        return lambda image, epoch, row: image
    compose = A.Compose(transforms)
    stream = SampleRandom()
    compose.set_random_state(stream.numpy, stream)

    def augment(image: np.ndarray, epoch: int, row: int) -> np.ndarray:
        stream.key(seed, epoch, row)
        return compose(image=image)["image"]

    return augment
