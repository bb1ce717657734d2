"""Where a network looks (Grad-CAM), and how it sees photos (the features before its last layer).

Source: Selvaraju et al. 2017, arXiv:1610.02391, through the grad-cam package.
"""

from typing import Any

import cv2
import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from trainable.models.normalise import normalise

PATCH = 64  # images at once


class _Features(nn.Module):
    """A timm network up to its pooling, as a module that a hook can hold on to."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.forward_features(images)


class _Split(nn.Module):
    """The same network in two steps."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.features = model, _Features(model)

    def forward(self, images: Tensor) -> Tensor:
        return self.model.forward_head(self.features(images))


def grad_cam(model: nn.Module, images: np.ndarray, statistics: Tensor, classes: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, 3] of images uint8 [N, H, W, 3]: bright and red what speaks for `classes` int64[N].

    Convolutions and transformers that pool their patches: the map before the pooling. Where a class token is read,
    nothing of the last patches is; there it is what the last block gets.
    """
    network = _Split(model)
    blocks = getattr(model, "blocks", None)
    reads_token = getattr(model, "global_pool", "avg") == "token" and blocks is not None
    target = blocks[-1].norm1 if reads_token and blocks is not None else network.features
    inputs = normalise(torch.from_numpy(images), statistics)
    with GradCAM(
        model=network, target_layers=[target], reshape_transform=lambda t: _as_map(t, model, inputs.shape)
    ) as cam:
        heat = cam(input_tensor=inputs, targets=[ClassifierOutputTarget(int(c)) for c in classes])
    return np.stack([_overlay(image, h) for image, h in zip(images, heat, strict=True)])


@torch.inference_mode()
def embed(model: Any, images: np.ndarray, statistics: Tensor, *, dimensions: int = 32) -> np.ndarray:
    """float32 [N, min(dimensions, N, D)]: principal components of the features before the last layer."""
    parts = [
        model.forward_head(model.forward_features(normalise(torch.from_numpy(part), statistics)), pre_logits=True)
        for part in np.array_split(images, -(-len(images) // PATCH))
    ]
    features = torch.cat(parts).float().flatten(1)
    centred = features - features.mean(0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    return (centred @ directions[:dimensions].T).numpy()


def _as_map(found: Tensor, model: Any, size: torch.Size) -> Tensor:
    """[B, C, h, w] of what a network holds: that, [B, h, w, C], or tokens [B, prefix + h * w, C]."""
    if found.ndim == 3:
        found = found[:, getattr(model, "num_prefix_tokens", 0) :]
        height = round((found.shape[1] * size[2] / size[3]) ** 0.5)
        return found.unflatten(1, (height, found.shape[1] // height)).permute(0, 3, 1, 2)
    return found if found.shape[1] == model.num_features else found.permute(0, 3, 1, 2)


def _overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The image in grey, tinted by heat float [H, W] in 0..1: brightness tells as much as colour."""
    colours = cv2.cvtColor(cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(grey, 0.5, colours, 0.5, 0)
