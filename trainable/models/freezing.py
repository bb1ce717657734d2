"""Parts of a network that keep their first weights."""

import numpy as np
import torch
from timm.models import group_parameters
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainable.errors import InputError
from trainable.models.heads import head_name, head_parameters


def freeze(model: nn.Module, stages: int | str) -> None:
    """Take the gradient from the stem and the first `stages` stages (0: nothing), or from all but the head ("body").

    Stages are timm's coarse layer groups; in a ViT these are its blocks.
    """
    if stages == 0:
        return
    if stages == "body":
        model.requires_grad_(False)
        for parameter in head_parameters(model):
            parameter.requires_grad_(True)
        return
    groups = group_parameters(model, model.group_matcher(coarse=True))  # type: ignore[operator]
    if len(groups) < int(stages) + 2:
        raise InputError(f"model.freeze: received {stages} stages of {len(groups) - 1}; allowed: fewer")
    parameters = dict(model.named_parameters())
    for group in sorted(groups)[: int(stages) + 1]:
        for name in groups[group]:
            parameters[name].requires_grad_(False)


def train_mode(model: nn.Module, *, keep_statistics: bool = False) -> None:
    """`model.train()`, but frozen parts stay in eval: their batch statistics are frozen with them.

    keep_statistics: those of every BatchNorm, whose weights train.
    """
    model.train()
    for module in model.modules():
        frozen = any(True for _ in module.parameters()) and not any(p.requires_grad for p in module.parameters())
        if frozen or (keep_statistics and isinstance(module, _BatchNorm)):
            module.eval()


@torch.inference_mode()
def features(model: nn.Module, images: Tensor) -> Tensor:
    """What the head of a timm network sees, float32 [B, D], for normalised images [B, 3, H, W]; no dropout."""
    model.eval()
    return model.forward_head(model.forward_features(images), pre_logits=True).float()  # type: ignore[operator]


class CachedFeatures:
    """Features of a fold's training rows, for a body that never changes."""

    def __init__(self, rows: np.ndarray, values: Tensor, total: int) -> None:
        self.values = values
        place = np.full(total, -1)
        place[rows] = np.arange(len(rows))
        self.place = torch.from_numpy(place).to(values.device)

    def of(self, rows: Tensor) -> Tensor:
        """float32 [B, D] of rows of the manifest, int64 [B] on the device."""
        return self.values[self.place[rows]]


class HeadOnly(nn.Module):
    """The last layer with the dropout before it, on features."""

    def __init__(self, model: nn.Module, drop_rate: float) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Dropout(drop_rate), model.get_submodule(head_name(model)))

    def forward(self, values: Tensor) -> Tensor:
        return self.layer(values)
