"""Probabilities from networks, in batches."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from trainable.config import TrialConfig
from trainable.models import build_model, normalise

BATCH = 128  # fixed: the size of a batch can change the last bit of a prediction


@torch.inference_mode()
def predict(
    model: nn.Module, batches: Iterable[tuple[np.ndarray, Tensor]], statistics: Tensor, *, bf16: bool = False
) -> np.ndarray:
    """Probabilities float32 [M, C] of (rows, images uint8 [B, H, W, 3]), in the order of the batches."""
    device = statistics.device
    model.eval()
    parts = []
    for _, images in batches:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = model(normalise(images.to(device, non_blocking=True), statistics))
        parts.append(logits.float().softmax(1))
    return torch.cat(parts).cpu().numpy()


def load_model(config: TrialConfig, classes: int, weights: Path, device: torch.device) -> nn.Module:
    """A trained fold model; safetensors cannot run code."""
    model = build_model(config.model.backbone, classes=classes, size=config.input.size)
    model.load_state_dict(load_file(weights))
    return model.to(device=device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]


def use_bf16(precision: str, device: torch.device) -> bool:
    """bf16 autocast where the device has it ("auto"); asking for it elsewhere costs speed, not correctness."""
    if precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "bf16"
