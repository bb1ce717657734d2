"""Networks: a backbone from timm, with the head that a configuration asks for."""

from pathlib import Path
from typing import Any

import timm
from timm.models import get_pretrained_cfg
from torch import nn

from trainable.config import TrialConfig
from trainable.data.attributes import PLAIN, Attributes
from trainable.errors import InputError
from trainable.models.heads import attach, units_of


def build_model(
    backbone: str,
    *,
    classes: int,
    size: tuple[int, int],
    weights: Path | None = None,
    drop_rate: float = 0.0,
    drop_path: float = 0.0,
    head: str = "joint",
    ordinal: tuple[str, ...] = (),
    made_of: Attributes = PLAIN,
) -> nn.Module:
    """A timm network: images [B, 3, H, W] normalised float -> logits [B, classes].

    `weights`: a safetensors file; None starts from random numbers. Networks of a fixed input size (ViT, Swin) are
    built for `size`, with their position embeddings interpolated by timm. head, ordinal: as in `HeadConfig`. made_of:
    what classes are made of, where each attribute has a head. Raises InputError for a size or a drop_path that the
    network does not take.
    """
    config = get_pretrained_cfg(backbone)
    options: dict[str, Any] = {"img_size": size} if config is not None and config.fixed_input_size else {}
    if drop_path:
        options["drop_path_rate"] = drop_path
    if weights is not None:
        options |= {"pretrained": True, "pretrained_cfg_overlay": {"file": str(weights)}}
    try:
        units = units_of(head, classes, ordinal, made_of)
        model = timm.create_model(backbone, num_classes=units, drop_rate=drop_rate, **options)
    except (AssertionError, ValueError) as error:
        raise InputError(f"backbone {backbone} refuses the size {size}: {error}; allowed: a size it divides") from error
    except TypeError as error:
        if "drop_path_rate" not in str(error):
            raise
        raise InputError(f"backbone {backbone}: received drop_path {drop_path}; allowed: 0, it has none") from error
    return attach(model, head, classes, ordinal, made_of)


def build_network(
    config: TrialConfig, classes: int, weights: Path | None = None, made_of: Attributes = PLAIN
) -> nn.Module:
    """The network of a trial, as it is trained and as its state is loaded."""
    return build_model(
        config.model.backbone,
        classes=classes,
        size=config.input.size,
        weights=weights,
        drop_rate=config.model.drop_rate,
        drop_path=config.model.drop_path,
        head=layer_kind(config),
        ordinal=config.head.ordinal,
        made_of=made_of,
    )


def layer_kind(config: TrialConfig) -> str:
    """What the last layer's units are, however it came to its weights: "joint" (classes), or "attributes"."""
    of_attributes = config.head.parts == "attributes" if config.fitted else config.head.name == "attributes"
    return "attributes" if of_attributes else "joint"
