"""Mixing pairs of a batch: CutMix by boxes, CutMix by halves, MixUp.

What is mixed is decided on the host, from a generator keyed by (seed, fold, epoch, step); images and targets are mixed
on the device, where they are, without waiting for it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainable.device import to_device
from trainable.errors import unknown


@dataclass(frozen=True)
class Mix:
    """`partner` int64[B]: the row of the batch that each is mixed with. `keep`: the own image's share.

    `box` (top, bottom, left, right): the pixels taken from the partner; None is a weighted mean.
    """

    partner: np.ndarray
    keep: float
    box: tuple[int, int, int, int] | None


Shape = Callable[[np.random.Generator, tuple[int, int]], tuple[float, tuple[int, int, int, int] | None]]


def cutmix(rng: np.random.Generator, size: tuple[int, int], alpha: float):
    """A box of a Beta-drawn area around a point drawn evenly (Yun 2019, https://arxiv.org/abs/1905.04899)."""
    (height, width), side = size, np.sqrt(1 - rng.beta(alpha, alpha))
    down, across = rng.integers(height), rng.integers(width)
    half = round(height * side / 2), round(width * side / 2)
    box = max(down - half[0], 0), min(down + half[0], height), max(across - half[1], 0), min(across + half[1], width)
    return 1 - (box[1] - box[0]) * (box[3] - box[2]) / (height * width), tuple(map(int, box))


def halves(rng: np.random.Generator, size: tuple[int, int], ratio: tuple[float, float]):
    """Left of the own beside right of the partner: both halves of a face stay where faces have them."""
    cut = round(size[1] * rng.uniform(*ratio))
    return cut / size[1], (0, size[0], cut, size[1])


def mixup(rng: np.random.Generator, size: tuple[int, int], alpha: float):
    """A Beta-drawn weighted mean (Zhang 2018, https://arxiv.org/abs/1710.09412)."""
    return float(rng.beta(alpha, alpha)), None


MIXES = {"cutmix": cutmix, "halves": halves, "mixup": mixup}
MixPlanner = Callable[[np.random.Generator, np.ndarray, np.ndarray, tuple[int, int]], Mix | None]


def build_mix(name: str, *, p: float, alpha: float, ratio: tuple[float, float], partner: str) -> MixPlanner:
    """A function (rng, labels int64[B], partners bool[B], (height, width)) -> Mix, or None for a batch left alone.

    partner: "any", "same", or what the rows of `partners` have in common.
    """
    if name == "none":
        return lambda rng, labels, partners, size: None
    if name not in MIXES:
        raise unknown("mixing", name, ["none", *MIXES])

    def plan(rng: np.random.Generator, labels: np.ndarray, partners: np.ndarray, size: tuple[int, int]) -> Mix | None:
        if rng.random() >= p or (partner not in ("any", "same") and not partners.any()):
            return None
        keep, box = MIXES[name](rng, size, ratio if name == "halves" else alpha)  # type: ignore[operator]
        return Mix(choose(rng, labels, partners, partner), keep, box)

    return plan


def choose(rng: np.random.Generator, labels: np.ndarray, partners: np.ndarray, partner: str) -> np.ndarray:
    """int64[B]: any other order; an order within each class; or rows of `partners`, drawn for each."""
    if partner == "any":
        return rng.permutation(len(labels))
    if partner != "same":
        return rng.choice(np.flatnonzero(partners), len(labels))
    found = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        found[own] = rng.permutation(own)
    return found


def apply(images: Tensor, targets: Tensor, mix: Mix, classes: int) -> tuple[Tensor, Tensor]:
    """Images float32 [B, 3, H, W] and targets int64[B] or float32 [B, C] to mixed ones, targets float32 [B, C]."""
    partner = to_device(mix.partner, images.device)
    own = targets if targets.is_floating_point() else F.one_hot(targets, classes).float()
    soft = torch.lerp(own[partner], own, mix.keep)
    if mix.box is None:
        return torch.lerp(images[partner], images, mix.keep), soft
    top, bottom, left, right = mix.box
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
    return mixed, soft
