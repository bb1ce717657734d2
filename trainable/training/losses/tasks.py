"""Losses of parts of a class: of an attribute's head, or of all attributes but one in a first stage.

Networks answer with logits of the classes in every case. A part is what is left after summing over the other
attributes; for a network of a head each, whose classes are products, that is the head's own distribution.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainable.config import JOINT
from trainable.data.attributes import Attributes

NEVER = -1e30  # log-probability of products that are no class; finite, so that gradients are


@dataclass(frozen=True)
class Task:
    """The attributes that are told apart, and how much their loss counts; () is the target's classes as they are."""

    keep: tuple[str, ...] = ()
    weight: float = 1.0


def tasks_of(head: str, weights: Mapping[str, float], names: tuple[str, ...], without: str, target: str) -> list[Task]:
    """What is learnt by a head ("joint", "attributes") of classes made of the attributes `names`.

    weights: of the attributes' losses, 1 where none is given. without: the attribute that a first stage has one value
    of, "" in a second one, or where it is by another column.
    """
    if head == "attributes":
        return [Task((name,), weights.get(name, 1.0)) for name in names if name != without]
    others = tuple(name for name in names if name != without)
    return [Task(others)] if len(others) < len(names) and target == JOINT else [Task()]


class Part:
    """Logits [B, C] and targets of classes as those of some attributes' products."""

    def __init__(self, keep: tuple[str, ...], made_of: Attributes, device: torch.device) -> None:
        """keep: the attributes, at least one; of their products those that a class has are told apart."""
        grid = made_of.grid
        axes = [axis for axis, name in enumerate(made_of.names) if name in keep]
        values = grid.decode(np.arange(grid.classes))
        own = np.ravel_multi_index([values[a] for a in axes], [grid.sizes[a] for a in axes])
        there, number = np.unique(own, return_inverse=True)
        self.size, self.sizes = len(there), grid.sizes
        self.dropped = tuple(1 + axis for axis in range(len(grid.sizes)) if axis not in axes)
        self.number = torch.from_numpy(number).to(device)
        gaps = bool(grid.cells)
        self.cells = torch.from_numpy(grid.places).to(device) if gaps else None
        self.there = torch.from_numpy(there).to(device) if gaps else None

    def logits(self, logits: Tensor) -> Tensor:
        """float32 [B, C] -> [B, classes of the part]: log-probabilities."""
        joint = self._spread(F.log_softmax(logits, 1), NEVER)
        return self._told(torch.logsumexp(joint, self.dropped) if self.dropped else joint)

    def targets(self, targets: Tensor) -> Tensor:
        """int64[B] below C, or probabilities float32 [B, C], to those of the part."""
        if not targets.is_floating_point():
            return self.number[targets]
        joint = self._spread(targets, 0.0)
        return self._told(joint.sum(self.dropped) if self.dropped else joint)

    def _spread(self, of_classes: Tensor, elsewhere: float) -> Tensor:
        if self.cells is None:
            return of_classes.view(-1, *self.sizes)
        whole = of_classes.new_full((len(of_classes), int(np.prod(self.sizes))), elsewhere)
        return whole.index_copy(1, self.cells, of_classes).view(-1, *self.sizes)

    def _told(self, of_cells: Tensor) -> Tensor:
        flat = of_cells.flatten(1)
        return flat if self.there is None else flat[:, self.there]
