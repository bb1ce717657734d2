"""Where a fold's network starts: from random last layers, or from a head that was fitted to frozen features.

The head of fold k is fitted to fold k's training rows alone, its shrinkage and the scale of its logits chosen by whole
groups that are held back among them; what trains then begins from the network that those features are of.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from trainable.config import AugmentConfig, FeaturesConfig, HeadConfig, MixConfig, TrialConfig
from trainable.data.folds import Folds
from trainable.features.closed import NEVER
from trainable.models.bodies import load_body
from trainable.models.build import layer_kind
from trainable.models.heads import head_name
from trainable.run.folder import RunFolder
from trainable.training.frozen import FrozenHeads


def starting_heads(
    run: RunFolder, config: TrialConfig, folds: Folds, *, device: torch.device, workers: int = 0
) -> FrozenHeads | None:
    """The heads that the networks of this configuration start from; None where these start from random ones."""
    if config.fitted or config.head.init == "random":
        return None
    parts = "attributes" if layer_kind(config) == "attributes" else "classes"
    fitted = replace(
        config,
        model=replace(config.model, freeze="body"),
        head=HeadConfig(name="lda", parts=parts),
        features=FeaturesConfig(),
        augment=AugmentConfig(policy="none"),
        mix=MixConfig(),
        tta="none",
        compile="auto",
    )
    return FrozenHeads(run, fitted, folds, device=device, workers=workers)


def start_from(model: nn.Module, heads: FrozenHeads, k: int) -> None:
    """Give a network, in place, the body and fold k's head of these."""
    last = head_name(model)
    if not heads.config.model.pretrained:
        load_body(model, heads.bodies[0])
    tensors, _ = heads.fit(k)
    layer = model.get_submodule(last)
    if isinstance(layer, nn.Sequential):  # units of attributes, before their product
        layer = layer[0]
    layer.load_state_dict({"weight": tensors["weight"], "bias": _possible(tensors["bias"])})


def between(start: Mapping[str, Tensor], end: nn.Module, share: float) -> dict[str, Tensor]:
    """The state `share` of the way from `start` to the network `end`; whole numbers (counts) are the end's.

    Source: WiSE-FT, Wortsman 2022, https://arxiv.org/abs/2109.01903, equation 1.
    """
    return {
        name: torch.lerp(start[name], value, share) if value.is_floating_point() else value
        for name, value in end.state_dict().items()
    }


def _possible(bias: Tensor) -> Tensor:
    """A class without training rows is as rare as the rarest: what no loss can be finite on, nothing learns from."""
    return torch.where(bias <= NEVER / 100, bias[bias > NEVER / 100].min(), bias)
