"""Test-time augmentation: several views of an image, their probabilities averaged."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainable.errors import unknown


def same(images: Tensor) -> list[Tensor]:
    return [images]


def flip(images: Tensor) -> list[Tensor]:
    """The image and its mirror image."""
    return [images, images.flip(3)]


def crops(images: Tensor, share: float = 0.9) -> list[Tensor]:
    """The image, and its four corners at `share` of its sides, enlarged to its size."""
    height, width = images.shape[2:]
    h, w = round(height * share), round(width * share)
    corners = [images[:, :, t : t + h, s : s + w] for t in (0, height - h) for s in (0, width - w)]
    return [images, *(F.interpolate(c, (height, width), mode="bilinear", antialias=False) for c in corners)]


VIEWS = {"none": same, "flip": flip, "crops": crops}


class Viewed(nn.Module):
    """A network whose answer is the log of the mean probabilities over the views of each image."""

    def __init__(self, model: nn.Module, tta: str) -> None:
        super().__init__()
        self.model, self.views = model, VIEWS[tta]

    def forward(self, images: Tensor) -> Tensor:
        """Normalised [B, 3, H, W] -> float32 [B, C]."""
        answers = [self.model(view).float().log_softmax(1) for view in self.views(images)]
        return torch.logsumexp(torch.stack(answers), 0) - math.log(len(answers))


def viewed(model: nn.Module, tta: str) -> nn.Module:
    """The network that predicts; "none" is the network itself."""
    if tta not in VIEWS:
        raise unknown("test-time augmentation", tta, VIEWS)
    return model if tta == "none" else Viewed(model, tta)
