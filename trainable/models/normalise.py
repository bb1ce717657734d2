"""From stored pixels to what a network takes."""

import timm
import torch
from timm.models import get_pretrained_cfg
from torch import Tensor

from trainable.errors import InputError


def pixel_statistics(backbone: str, kind: str, dataset: tuple[tuple[float, ...], tuple[float, ...]]) -> Tensor:
    """float32 [2, 3]: mean and standard deviation of the RGB channels, on the scale 0..1."""
    if kind == "imagenet":
        return torch.tensor([timm.data.IMAGENET_DEFAULT_MEAN, timm.data.IMAGENET_DEFAULT_STD])
    if kind == "backbone":
        config = get_pretrained_cfg(backbone)
        if config is None:
            raise InputError(
                f"input.normalise: received backbone, and timm publishes no mean of the photos that {backbone} was "
                "trained on; allowed: imagenet, or dataset"
            )
        return torch.tensor([config.mean, config.std])
    return torch.tensor(dataset)


def normalise(images: Tensor, statistics: Tensor) -> Tensor:
    """uint8 [B, H, W, 3] on the device -> float32 [B, 3, H, W], channels_last in memory without a copy."""
    mean, std = statistics * 255
    return images.permute(0, 3, 1, 2).float().sub_(mean.view(3, 1, 1)).div_(std.view(3, 1, 1))
