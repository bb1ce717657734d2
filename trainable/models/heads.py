"""What turns a network's last units into logits of the classes.

Every head answers with float32 [B, C] whose softmax is the probabilities, so that losses, predictions and ensembles
need not know which head it was.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainable.data.labels import SIZES
from trainable.errors import InputError

AGES = SIZES[2]


class Ordinal(nn.Module):
    """One unit to ordered bands: P(age >= band k) = sigmoid(unit - threshold_k), thresholds rising.

    Source: the cumulative link model (McCullagh 1980), with a learnt gap between thresholds.
    """

    def __init__(self, bands: int = AGES) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.full((1,), -1.0))
        self.gaps = nn.Parameter(torch.full((bands - 2,), 2.0))

    def forward(self, unit: Tensor) -> Tensor:
        """float32 [B, 1] -> log-probabilities [B, bands]."""
        gaps = F.softplus(self.gaps)
        rising = torch.cat([self.first, self.first + gaps.cumsum(0)])
        above, below = F.logsigmoid(unit - rising), F.logsigmoid(rising - unit)
        # sigmoid(a) - sigmoid(b) = sigmoid(a) * sigmoid(-b) * (1 - exp(b - a)), which keeps its digits
        middle = above[:, :-1] + below[:, 1:] + torch.log(-torch.expm1(-gaps))
        return torch.cat([below[:, :1], middle, above[:, -1:]], 1)


class Product(nn.Module):
    """Units of mask, gender and age heads to the log-probabilities of their 18 products."""

    def __init__(self, ordinal: bool) -> None:
        super().__init__()
        self.age = Ordinal() if ordinal else nn.LogSoftmax(1)
        self.sizes = (*SIZES[:2], 1 if ordinal else AGES)

    def forward(self, units: Tensor) -> Tensor:
        """float [B, 3 + 2 + 3 (1 when ordinal)] -> float32 [B, 18]."""
        mask, gender, age = units.float().split(self.sizes, 1)
        parts = mask.log_softmax(1)[:, :, None, None] + gender.log_softmax(1)[:, None, :, None]
        return (parts + self.age(age)[:, None, None, :]).flatten(1)


def units_of(name: str, age: str, classes: int) -> int:
    """How many units the last layer has."""
    if name == "attributes":
        return SIZES[0] + SIZES[1] + (1 if age == "ordinal" else AGES)
    return 1 if age == "ordinal" else classes


def head_name(model: nn.Module) -> str:
    """The module path of a timm network's last layer."""
    name = model.pretrained_cfg["classifier"]  # type: ignore[index]
    if not isinstance(name, str):
        raise InputError(f"backbone {type(model).__name__} has several last layers {name}; allowed: one of one")
    return name


def attach(model: nn.Module, name: str, age: str) -> nn.Module:
    """Put what follows the last layer behind it; heads whose units are the classes have nothing."""
    if name != "attributes" and age == "classes":
        return model
    place = head_name(model)
    last = model.get_submodule(place)
    if not isinstance(last, nn.Linear):
        raise InputError(f"backbone {type(model).__name__}: last layer {type(last).__name__}; allowed here: Linear")
    after = Product(age == "ordinal") if name == "attributes" else Ordinal()
    model.set_submodule(place, nn.Sequential(last, after))
    return model


def head_parameters(model: nn.Module) -> list[nn.Parameter]:
    return list(model.get_submodule(head_name(model)).parameters())
