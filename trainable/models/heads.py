"""What turns a network's last units into logits of the classes.

Every head answers with float32 [B, C] whose softmax is the probabilities, so that losses, predictions and ensembles
need not know which head it was.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainable.data.attributes import PLAIN, Attributes
from trainable.errors import InputError


class Ordinal(nn.Module):
    """One unit to ordered bands: P(value >= band k) = sigmoid(unit - threshold_k), thresholds rising.

    Source: the cumulative link model (McCullagh 1980), with a learnt gap between thresholds.
    """

    def __init__(self, bands: int) -> None:
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
    """Units of a head for each attribute to the log-probabilities of the classes, which are products of values.

    sizes: how many values each attribute has. ordinal: of each, whether its head is `Ordinal`. cells: where each class
    lies among all products, empty where all are classes; what is none gets no probability.
    """

    def __init__(self, sizes: tuple[int, ...], ordinal: tuple[bool, ...], cells: tuple[int, ...] = ()) -> None:
        super().__init__()
        pairs = list(zip(sizes, ordinal, strict=True))
        self.units = [1 if ordered else size for size, ordered in pairs]
        self.heads = nn.ModuleList(Ordinal(size) if ordered else nn.LogSoftmax(1) for size, ordered in pairs)
        self.cells = nn.Buffer(torch.tensor(cells, dtype=torch.int64), persistent=False)

    def forward(self, units: Tensor) -> Tensor:
        """float [B, units of all heads] -> float32 [B, C]."""
        parts = units.float().split(self.units, 1)
        first, *others = (head(part) for head, part in zip(self.heads, parts, strict=True))
        for part in others:
            first = first[..., None] + part[(slice(None), *(None,) * (first.ndim - 1))]
        joint = first.flatten(1)
        return F.log_softmax(joint[:, self.cells], 1) if len(self.cells) else joint


def product_of(made_of: Attributes, ordinal: tuple[str, ...] = ()) -> Product:
    """The product of the heads of these attributes."""
    return Product(made_of.grid.sizes, tuple(name in ordinal for name in made_of.names), made_of.cells)


def units_of(name: str, classes: int, ordinal: tuple[str, ...] = (), made_of: Attributes = PLAIN) -> int:
    """How many units the last layer has."""
    if name == "attributes":
        return sum(product_of(made_of, ordinal).units)
    return 1 if ordinal else classes


def head_name(model: nn.Module) -> str:
    """The module path of a timm network's last layer."""
    name = model.pretrained_cfg["classifier"]  # type: ignore[index]
    if not isinstance(name, str):
        raise InputError(f"backbone {type(model).__name__} has several last layers {name}; allowed: one of one")
    return name


def attach(
    model: nn.Module, name: str, classes: int, ordinal: tuple[str, ...] = (), made_of: Attributes = PLAIN
) -> nn.Module:
    """Put what follows the last layer behind it; heads whose units are the classes have nothing."""
    if name != "attributes" and not ordinal:
        return model
    place = head_name(model)
    last = model.get_submodule(place)
    if not isinstance(last, nn.Linear):
        raise InputError(f"backbone {type(model).__name__}: last layer {type(last).__name__}; allowed here: Linear")
    after = product_of(made_of, ordinal) if name == "attributes" else Ordinal(classes)
    model.set_submodule(place, nn.Sequential(last, after))
    return model


def head_parameters(model: nn.Module) -> list[nn.Parameter]:
    return list(model.get_submodule(head_name(model)).parameters())
