"""Heads that were fitted, as modules on features float32 [B, D], and as what their file holds.

weight float32 [U, D]  bias float32 [U]                    linear: units of the classes, or of the attributes
bank float16 [n, D]  label int64 [n]  votes float32 [n]    nearest neighbours
neighbours  classes  scale                                 numbers, of them
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainable.config import HeadConfig
from trainable.data.attributes import PLAIN, Attributes
from trainable.models.heads import product_of

TEMPERATURE = 0.07  # of neighbours' votes, as in DINO's evaluation (Caron 2021, https://arxiv.org/abs/2104.14294)
LEAST = 1e-4  # share of a vote that every class has: no class is impossible because none of k photos shows it


class Neighbours(nn.Module):
    """Votes of the nearest training rows by cosine, a vote counting exp(cosine / TEMPERATURE) times its row's weight.

    bank: float16 [n, D], of length 1. votes: float32 [n], the weights of its rows.
    """

    def __init__(self, bank: Tensor, label: Tensor, votes: Tensor, neighbours: int, classes: int, scale: float) -> None:
        super().__init__()
        self.bank, self.label, self.votes = (nn.Buffer(t) for t in (bank, label, votes))
        self.neighbours, self.classes, self.scale = neighbours, classes, scale

    def forward(self, values: Tensor) -> Tensor:
        """float32 [B, D] -> float32 [B, C], log-probabilities times the scale."""
        near, rows = cosines(values, self.bank).topk(min(self.neighbours, len(self.bank)), 1)
        return neighbours_vote(near, self.label[rows], self.votes[rows], self.classes) * self.scale


def cosines(values: Tensor, bank: Tensor) -> Tensor:
    """float32 [B, n] of values [B, D] and a bank [n, D] of rows of length 1."""
    return F.normalize(values.float(), dim=1) @ bank.float().T


def neighbours_vote(near: Tensor, labels: Tensor, votes: Tensor, classes: int) -> Tensor:
    """Log-probabilities float32 [B, C] of cosines, labels int64 and weights, each [B, k], of neighbours."""
    power = torch.exp((near - near[:, :1]) / TEMPERATURE) * votes
    counted = torch.zeros(len(near), classes, device=near.device).scatter_add_(1, labels, power)
    return (counted / counted.sum(1, keepdim=True) + LEAST).log()


def layer_of(head: HeadConfig, held: Mapping[str, Tensor], made_of: Attributes = PLAIN) -> nn.Module:
    """The module that a fold's file describes: features float32 [B, D] -> logits of the classes [B, C]."""
    if head.name == "knn":
        count, classes, scale = int(held["neighbours"]), int(held["classes"]), float(held["scale"])
        return Neighbours(held["bank"], held["label"], held["votes"], count, classes, scale).eval()
    units, width = held["weight"].shape
    layer = nn.Linear(width, units)
    layer.load_state_dict({"weight": held["weight"], "bias": held["bias"]})
    return (nn.Sequential(layer, product_of(made_of)) if head.parts == "attributes" else layer).eval()
