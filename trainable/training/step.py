"""The steps of an epoch. Nothing inside waits for the device: losses stay there until the epoch ends."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainable.data.pseudo_labels import SoftLabels
from trainable.device import to_device
from trainable.images.mixing import Mix, apply
from trainable.memory import as_many_as_fit
from trainable.models.freezing import train_mode
from trainable.training.losses import Loss
from trainable.training.state import TrainingState
from trainable.training.ways import Caller

# rows int64 [B] on the host and on the device; images uint8 [B, H, W, 3], or features float32 [B, D], on the device
Batch = tuple[np.ndarray, Tensor, Tensor]
Plan = Callable[[int, np.ndarray, tuple[int, int]], Mix | None]


@dataclass(frozen=True)
class SoftTargets:
    """place: int64[N] on the device, of each row in `shares`, -1 where it is of one class. shares: float32 [P, C]."""

    place: Tensor
    shares: Tensor

    @classmethod
    def of(cls, soft: SoftLabels, count: int, device: torch.device) -> Self:
        """count: N."""
        place = np.full(count, -1)
        place[soft.rows] = np.arange(len(soft.rows))
        return cls(torch.from_numpy(place).to(device), torch.from_numpy(soft.shares).to(device))

    def instead_of(self, hard: Tensor, rows: Tensor) -> Tensor:
        """float32 [B, C] of rows int64[B] on the device: their shares, or where they have none those in `hard`."""
        place = self.place[rows]
        return torch.where(place[:, None] < 0, hard, self.shares[place.clamp_min(0)])


@dataclass(frozen=True)
class Steps:
    """What every epoch of a fold shares.

    caller: calls what is trained (the model, or its head on cached features). inputs: a batch as the network takes it.
    labels int64[N] on the device. accumulate: batches of a step.
    weights: float32[N] on the device, how much the loss of a row counts, None where all count alike. keep_statistics:
    whether BatchNorm goes on with those it has. soft: the targets of rows that are of several classes.
    """

    state: TrainingState
    caller: Caller
    inputs: Callable[[Tensor], Tensor]
    labels: Tensor
    classes: int
    accumulate: int
    clip: float
    bf16: bool
    weights: Tensor | None = None
    keep_statistics: bool = False
    soft: "SoftTargets | None" = None

    def run(
        self,
        batches: Iterator[Batch],
        count: int,
        loss_of: Loss,
        set_rate: Callable[[float], None],
        started: float,
        plan: Plan,
    ) -> float:
        """Train on `count` batches; returns the mean loss of the steps.

        set_rate: of time in epochs, from the first of the optimiser's on. `plan(batch, rows, size)`: what is mixed.
        Where the memory is full a step is done again in smaller micro-batches, which stay (see TrainingState).
        """
        state = self.state
        train_mode(self.caller.model, keep_statistics=self.keep_statistics)
        losses = []
        steps = -(-count // self.accumulate)
        for step in range(steps):
            set_rate(started + (step + 0.5) / steps)
            group = list(islice(batches, self.accumulate))
            gradients = partial(self._gradients, group, step * self.accumulate, loss_of, plan)
            largest = max(len(rows) for rows, *_ in group)
            loss, state.micro_batch = as_many_as_fit(gradients, largest, state.micro_batch)
            losses.append(loss)
            if self.clip:
                nn.utils.clip_grad_norm_([p for p in self.caller.model.parameters() if p.requires_grad], self.clip)
            state.optimiser.step()
            state.follow()
        assert next(batches, None) is None
        return torch.stack(losses).mean().item()

    def _targets(self, places: Tensor) -> Tensor:
        """int64 [B]; float32 [B, C] in a fold that has soft labels, whatever the batch holds."""
        hard = self.labels[places]
        return hard if self.soft is None else self.soft.instead_of(F.one_hot(hard, self.classes).float(), places)

    def _gradients(self, group: list[Batch], first: int, loss_of: Loss, plan: Plan, micro: int) -> Tensor:
        """The gradients of a step, anew, of at most `micro` images at once; its loss.

        Images are mixed before they are parted, so the parts are those of the whole batch. The loss is the mean of
        the parts' by their images: the batch's own for means over samples. Soft macro-F1 is then the mean of the
        parts' F1, and BatchNorm normalises by the statistics of a part.
        """
        self.state.optimiser.zero_grad(set_to_none=True)
        images_of_step = sum(len(rows) for rows, *_ in group)
        losses = []
        for number, (rows, places, images) in enumerate(group, first):
            inputs, targets = self.inputs(images), self._targets(places)
            counted = None if self.weights is None else self.weights[places]
            mix = plan(number, rows, tuple(inputs.shape[2:]))  # type: ignore[arg-type]
            if mix is not None:
                inputs, targets = apply(inputs, targets, mix, self.classes)
                if counted is not None:
                    counted = torch.lerp(counted[to_device(mix.partner, counted.device)], counted, mix.keep)
            parts = -(-len(rows) // micro)
            if parts == 1 and number == first:
                self.caller.decide(loss_of, inputs, targets, counted)
                if len(group) == 1 and (loss := self.caller.recorded(loss_of, inputs, targets, counted)) is not None:
                    return loss
            shares = [None] * parts if counted is None else counted.tensor_split(parts)
            of_parts = zip(inputs.tensor_split(parts), targets.tensor_split(parts), shares, strict=True)
            for some, wanted, share in of_parts:
                with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.bf16):
                    logits = self.caller.network(some)
                loss = loss_of(logits.float(), wanted, share) * (len(wanted) / images_of_step)
                loss.backward()
                losses.append(loss.detach())
        return torch.stack(losses).sum()
