"""Means of weights over a fold's training, by torch's own AveragedModel: a moving average, or a soup.

Soup: the mean over the last epochs, in place of the last epoch's. Izmailov et al., "Averaging Weights Leads to Wider
Optima and Better Generalization", UAI 2018; Wortsman et al., "Model soups", ICML 2022. Which epochs go in is settled
beforehand: picking them by validation scores, as greedy soups do, would fit the out-of-fold predictions to their own
labels.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn

POWER = 2 / 3  # of the warm-up


class MovingAverage(AveragedModel):
    """Exponential moving average of weights and buffers, ready to predict.

    decay: once warmed up; after step n it is min(decay, 1 - n ** -POWER), so that the first steps are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, use_buffers=True)
        self.decay = decay
        self.eval()

    @torch.no_grad()
    def follow(self, model: nn.Module, step: int) -> None:
        """Take in the weights after `step` (from 1); counts are the model's.

        Nothing waits for the device: the step is the host's number, where `update_parameters` sends a tensor of its own
        to the device for every update.
        """
        pairs = list(zip(self.module.state_dict().values(), model.state_dict().values(), strict=True))
        moving = [pair for pair in pairs if pair[0].is_floating_point()]
        for count, now in (pair for pair in pairs if not pair[0].is_floating_point()):
            count.copy_(now)
        average = get_ema_multi_avg_fn(min(self.decay, 1 - step**-POWER))
        average([mine for mine, _ in moving], [now for _, now in moving], step)


def new_soup(model: nn.Module) -> AveragedModel:
    """The plain mean of the weights it is given; buffers are the last network's, see `with_statistics`."""
    return AveragedModel(model, multi_avg_fn=get_swa_multi_avg_fn())


def goes_in(epoch: int, epochs: int, share: float) -> bool:
    """Whether `epoch` (from 0) is among the last `share` of `epochs`; the last one always is."""
    return epoch >= epochs - max(1, round(share * epochs))


def with_statistics(model: nn.Module, layers: Iterable[str], images: Iterable[Tensor]) -> nn.Module:
    """`model` with the BatchNorm statistics of `layers` taken anew over `images`, batches as the network takes them.

    torch's `update_bn` would do it for every layer, those of frozen stages too, and with dropout switched on.
    """
    model.eval()
    moved = [model.get_submodule(name) for name in layers]
    for layer in moved:
        assert isinstance(layer, _BatchNorm)
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over the batches
        layer.train()
    if moved:
        with torch.no_grad():
            for batch in images:
                model(batch)
    return model.eval()


def moving_statistics(model: nn.Module) -> list[str]:
    """BatchNorm layers in training mode; asked right after training, frozen ones are not among them."""
    return [name for name, layer in model.named_modules() if isinstance(layer, _BatchNorm) and layer.training]
