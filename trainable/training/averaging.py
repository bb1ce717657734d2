"""A soup: the mean of a fold's weights over its last epochs, in place of the last epoch's.

Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018; Wortsman et al., "Model
soups", ICML 2022. Which epochs go in is settled beforehand: picking them by validation scores, as greedy soups do,
would fit the out-of-fold predictions to their own labels.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def goes_in(epoch: int, epochs: int, share: float) -> bool:
    """Whether `epoch` (from 0) is among the last `share` of `epochs`; the last one always is."""
    return epoch >= epochs - max(1, round(share * epochs))


@dataclass
class Soup:
    """Running mean of `count` epochs' weights."""

    count: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def add(self, model: nn.Module) -> None:
        self.count += 1
        for name, value in model.state_dict().items():
            if self.count == 1 or not value.is_floating_point():
                self.weights[name] = value.clone()
            else:
                self.weights[name].lerp_(value, 1 / self.count)

    def served(self, model: nn.Module, trained: Iterable[str], images: Iterable[Tensor]) -> nn.Module:
        """A copy of `model` with the mean weights, ready to predict.

        trained: names of the layers whose BatchNorm statistics moved in training; of mean weights they must be taken
        anew, over `images` (batches as the network takes them).
        """
        made = copy.deepcopy(model)
        made.load_state_dict(self.weights)
        made.eval()
        layers = [made.get_submodule(name) for name in trained]
        for layer in layers:
            assert isinstance(layer, _BatchNorm)
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean over the batches
            layer.train()
        if layers:
            with torch.no_grad():
                for batch in images:
                    made(batch)
        return made.eval()


def moving_statistics(model: nn.Module) -> list[str]:
    """BatchNorm layers in training mode; asked right after training, frozen ones are not among them."""
    return [name for name, layer in model.named_modules() if isinstance(layer, _BatchNorm) and layer.training]
