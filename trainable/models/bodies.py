"""Frozen bodies: networks that keep their first weights, named by the content of the file these lie in."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import nn

from trainable.models.build import build_model
from trainable.models.heads import head_name
from trainable.randomness import generator

UNITS = 2  # of the last layer, which nobody looks at: timm wants one


def build_body(backbone: str, size: tuple[int, int], file: Path, *, pretrained: bool) -> nn.Module:
    """The network whose features are asked for, in eval; size: (height, width) in pixels.

    file: weights under timm's names; where it is not pretrained, those of a `random_body` or of a trained network.
    """
    if pretrained:
        return build_model(backbone, classes=UNITS, size=size, weights=file).eval()
    model = build_model(backbone, classes=UNITS, size=size)
    load_body(model, file)
    return model.eval()


def load_body(model: nn.Module, file: Path) -> None:
    """Give a network all weights of a file but those of the last layer, which keeps its own."""
    last = f"{head_name(model)}."
    body = {name: value for name, value in load_file(file).items() if not name.startswith(last)}
    wanted = {name for name in model.state_dict() if not name.startswith(last)}
    assert set(body) == wanted, f"{file} is of another network"
    model.load_state_dict(body, strict=False)


def random_body(backbone: str, size: tuple[int, int], seed: int) -> bytes:
    """A safetensors file of a network as it begins, the same for every fold."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(seed).integers(2**62)))
        return save(build_model(backbone, classes=UNITS, size=size).state_dict())
