"""Probabilities from networks, in batches."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from trainable.config import TrialConfig
from trainable.device import stream_to_device
from trainable.models import build_network, normalise
from trainable.views import viewed

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

    The same to the bit as one pass a model. Images are normalised anew only where the models differ in it.
    """
    device = statistics.device
    anew = [True, *(statistics[1:] != statistics[:-1]).flatten(1).any(1).tolist()]
    for model in models:
        model.eval()
    parts: list[list[Tensor]] = [[] for _ in models]
    for _, images in stream_to_device(batches, device):
        for k, model in enumerate(models):
            if anew[k]:
                inputs = normalise(images, statistics[k])
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = model(inputs)
            parts[k].append(logits.float().softmax(1))
    return torch.stack([torch.cat(part) for part in parts]).cpu().numpy()


def load_model(config: TrialConfig, classes: int, weights: Path, device: torch.device) -> nn.Module:
    """A trained fold model, ready to predict; safetensors cannot run code."""
    model = build_network(config, classes)
    model.load_state_dict(load_file(weights))
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return viewed(model, config.tta).eval()


def use_bf16(precision: str, device: torch.device) -> bool:
    """bf16 autocast where the device has it ("auto"); asking for it elsewhere costs speed, not correctness."""
    if precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "bf16"
