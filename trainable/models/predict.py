"""Probabilities from networks, in batches."""

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from trainable.config import TrialConfig
from trainable.data.attributes import PLAIN, Attributes
from trainable.device import stream_to_device
from trainable.errors import InputError
from trainable.memory import as_many_as_fit
from trainable.models.bodies import build_body
from trainable.models.build import build_network
from trainable.models.fitted import layer_of
from trainable.models.heads import head_name
from trainable.models.normalise import normalise
from trainable.models.tta import viewed

BATCH = 128  # fixed: the size of a batch can change the last bit of a prediction


def predict(
    model: nn.Module, batches: Iterable[tuple[np.ndarray, Tensor]], statistics: Tensor, *, bf16: bool = False
) -> np.ndarray:
    """Probabilities float32 [M, C] of (rows, images uint8 [B, H, W, 3]), in the order of the batches."""
    return predict_together([model], batches, statistics[None], bf16=bf16)[0]


@torch.inference_mode()
def predict_together(
    models: Sequence[nn.Module],
    batches: Iterable[tuple[np.ndarray, Tensor]],
    statistics: Tensor,
    *,
    bf16: bool = False,
) -> np.ndarray:
    """Probabilities float32 [K, M, C] of K models over one pass of the images; `statistics` float32 [K, 2, 3].

    The same to the bit as one pass a model. Images are normalised anew only where the models differ in it. Batches
    that fill the memory go in halves, and so do those after them; that can change last bits.
    """
    device = statistics.device
    anew = [True, *(statistics[1:] != statistics[:-1]).flatten(1).any(1).tolist()]
    for model in models:
        model.eval()
    found, limit = [], sys.maxsize
    for _, images in stream_to_device(batches, device):
        answers, limit = as_many_as_fit(partial(_answers, models, images, statistics, anew, bf16), len(images), limit)
        found.append(answers)
    return torch.cat(found, 1).cpu().numpy()


def _answers(
    models: Sequence[nn.Module], images: Tensor, statistics: Tensor, anew: list[bool], bf16: bool, most: int
) -> Tensor:
    """float32 [K, B, C] of images uint8 [B, H, W, 3], at most `most` of them at once."""
    parts = []
    for some in images.tensor_split(-(-len(images) // most)):
        logits = []
        for k, model in enumerate(models):
            if anew[k]:
                inputs = normalise(some, statistics[k])
            with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
                logits.append(model(inputs))
        parts.append(torch.stack(logits).float().softmax(2))
    return torch.cat(parts, 1)


def load_model(
    config: TrialConfig,
    classes: int,
    weights: Path,
    device: torch.device,
    bodies: Sequence[Path] = (),
    made_of: Attributes = PLAIN,
) -> nn.Module:
    """A trained fold model with its test-time views, ready to predict; the arguments as those of `load_network`."""
    return viewed(load_network(config, classes, weights, device, bodies, made_of), config.tta).eval()


def load_network(
    config: TrialConfig,
    classes: int,
    weights: Path,
    device: torch.device,
    bodies: Sequence[Path] = (),
    made_of: Attributes = PLAIN,
) -> nn.Module:
    """The network alone, as timm built it: what pictures look into. Safetensors cannot run code.

    weights: a fold's. made_of: what classes are made of. bodies: the frozen networks that a fitted head stands on,
    which its file does not hold. Raises InputError where there are several: they are no one network that takes photos
    of one size.
    """
    if config.fitted:
        if len(bodies) != 1:
            raise InputError(
                f"head {config.head.name}: received features of {len(bodies)} networks side by side; allowed here: one"
            )
        model = build_body(*config.tables[0], bodies[0], pretrained=config.model.pretrained)
        model.set_submodule(head_name(model), layer_of(config.head, load_file(weights), made_of))
    else:
        model = build_network(config, classes, made_of=made_of)
        model.load_state_dict(load_file(weights))
    return model.to(device=device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]


def use_bf16(precision: str, device: torch.device) -> bool:
    """bf16 autocast where the device has it ("auto"); asking for it elsewhere costs speed, not correctness."""
    if precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "bf16"
