"""Backbones from timm, and where their pretrained weights lie."""

import os
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import timm
import torch
from timm.models import get_pretrained_cfg
from torch import Tensor, nn
from torch._dynamo import maybe_mark_dynamic
from torch._inductor import config as inductor

from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.models.heads import attach, units_of


def build_model(
    backbone: str,
    *,
    classes: int,
    size: tuple[int, int],
    weights: Path | None = None,
    drop_rate: float = 0.0,
    head: str = "joint",
    age: str = "classes",
) -> nn.Module:
    """A timm network: images [B, 3, H, W] normalised float -> logits [B, classes].

    `weights`: a safetensors file; None starts from random numbers. Networks of a fixed input size (ViT, Swin) are
    built for `size`, with their position embeddings interpolated by timm.
    """
    config = get_pretrained_cfg(backbone)
    options: dict[str, Any] = {"img_size": size} if config is not None and config.fixed_input_size else {}
    if weights is not None:
        options |= {"pretrained": True, "pretrained_cfg_overlay": {"file": str(weights)}}
    try:
        model = timm.create_model(backbone, num_classes=units_of(head, age, classes), drop_rate=drop_rate, **options)
    except (AssertionError, ValueError) as error:
        raise InputError(f"backbone {backbone} refuses the size {size}: {error}; allowed: a size it divides") from error
    return attach(model, head, age)


def build_network(config: TrialConfig, classes: int, weights: Path | None = None) -> nn.Module:
    """The network of a trial, as it is trained and as its state is loaded."""
    return build_model(
        config.model.backbone,
        classes=classes,
        size=config.input.size,
        weights=weights,
        drop_rate=config.model.drop_rate,
        head=config.head.name,
        age=config.head.age,
    )


def compiled(model: nn.Module) -> nn.Module:
    """The network through torch.compile, once for batches of any size; parameters and state stay those of `model`.

    A network of the same kind finds the graph again (the next fold's); `torch.compiler.reset()` drops it.
    """
    inductor.compile_threads = torch.get_num_threads()  # a process each; its own choice is all cores for every trial
    faster: Any = torch.compile(model)  # an nn.Module, whatever its annotation says
    # Batches differ in size by one, and each size would be compiled anew.
    faster.register_forward_pre_hook(lambda _, inputs: maybe_mark_dynamic(inputs[0], 0))
    return faster


def find_weights(backbone: str, folder: Path | None, *, download: bool = True) -> Path | None:
    """The safetensors file of a backbone: in `folder`, in the hub's cache, or from the hub, asked once; else None.

    Called on the driver before any trial: with no network timm would retry for over a minute in each of them.
    """
    if folder is not None:
        given = folder / f"{backbone}.safetensors"
        return given if given.is_file() else None
    config = get_pretrained_cfg(backbone)
    if config is None or not config.hf_hub_id:
        return None
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    cached = try_to_load_from_cache(config.hf_hub_id, "model.safetensors")
    if isinstance(cached, str):
        return Path(cached)
    if not download or os.environ.get("HF_HUB_OFFLINE") == "1":
        return None
    try:
        return Path(hf_hub_download(config.hf_hub_id, "model.safetensors", etag_timeout=5))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError):
        return None


def resolve_weights(backbones: list[str], folder: Path | None) -> dict[str, str]:
    """The weight file of each backbone; InputError naming every file that cannot be had."""
    found = {b: find_weights(b, folder, download=False) for b in backbones}
    if None in found.values() and folder is None and _hub_answers():
        found = {b: path or find_weights(b, folder) for b, path in found.items()}
    missing = [b for b, path in found.items() if path is None]
    if missing:
        raise InputError(missing_weights(missing))
    return {b: str(path.absolute()) for b, path in found.items() if path is not None}


def _hub_answers() -> bool:
    """Whether the hub can be reached, asked once: where it cannot, its library retries half a minute for every file."""
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return False
    from huggingface_hub.constants import ENDPOINT

    try:
        urlopen(Request(ENDPOINT, method="HEAD"), timeout=5).close()
    except HTTPError:  # an answer
        return True
    except OSError:
        return False
    return True


def missing_weights(backbones: list[str]) -> str:
    """The one line for backbones whose pretrained weights cannot be had."""
    names = []
    for backbone in backbones:
        config = get_pretrained_cfg(backbone)
        source = f"hub {config.hf_hub_id}" if config is not None and config.hf_hub_id else "no published weights"
        names.append(f"{backbone}.safetensors ({source})")
    return (
        f"pretrained weights cannot be had: missing {', '.join(names)}; allowed: files in the hub cache "
        "(`hf download REPO model.safetensors` on a machine with a network), --weights DIR holding them under "
        "these names, or pretrained: false in the space"
    )


def pixel_statistics(backbone: str, kind: str, dataset: tuple[tuple[float, ...], tuple[float, ...]]) -> Tensor:
    """float32 [2, 3]: mean and standard deviation of the RGB channels, on the scale 0..1."""
    if kind == "imagenet":
        return torch.tensor([timm.data.IMAGENET_DEFAULT_MEAN, timm.data.IMAGENET_DEFAULT_STD])
    if kind == "backbone":
        config = get_pretrained_cfg(backbone)
        if config is not None:
            return torch.tensor([config.mean, config.std])
    return torch.tensor(dataset)


def normalise(images: Tensor, statistics: Tensor) -> Tensor:
    """uint8 [B, H, W, 3] on the device -> float32 [B, 3, H, W], channels_last in memory without a copy."""
    mean, std = statistics * 255
    return images.permute(0, 3, 1, 2).float().sub_(mean.view(3, 1, 1)).div_(std.view(3, 1, 1))
