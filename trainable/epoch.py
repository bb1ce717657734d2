"""One epoch of training. Nothing inside waits for the device: losses stay there until the epoch ends."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from trainable.freezing import train_mode
from trainable.learner import Learner
from trainable.losses import Loss
from trainable.mixing import Mix, apply

Batch = tuple[np.ndarray, Tensor]  # rows int64 [B] on the host; images uint8 [B, H, W, 3] or features, on the device


@dataclass(frozen=True)
class EpochRunner:
    """What every epoch of a fold shares.

    network: what is called in training (the model, or its head on cached features). inputs: a batch as the network
    takes it. labels int64[N] on the device. set_rate: of time in epochs, from the first of the optimiser's on.
    """

    learner: Learner
    network: nn.Module
    inputs: Callable[[Tensor], Tensor]
    labels: Tensor
    classes: int
    accumulate: int
    clip: float
    bf16: bool

    def run(
        self,
        batches: Iterator[Batch],
        sizes: list[int],
        loss_of: Loss,
        set_rate: Callable[[float], None],
        started: float,
        plan: Callable[[int, np.ndarray, tuple[int, int]], Mix | None],
    ) -> float:
        """Train on batches of these sizes; returns the mean loss. `plan(step, rows, size)` says what is mixed."""
        learner, device = self.learner, self.labels.device
        train_mode(self.network)
        losses = []
        steps = -(-len(sizes) // self.accumulate)
        for number, (rows, images) in enumerate(batches):
            step, place = divmod(number, self.accumulate)
            together = sizes[step * self.accumulate : (step + 1) * self.accumulate]
            if place == 0:
                set_rate(started + (step + 0.5) / steps)
                learner.optimiser.zero_grad(set_to_none=True)
            targets = self.labels[torch.from_numpy(rows).to(device, non_blocking=True)]
            inputs = self.inputs(images)
            mix = plan(number, rows, tuple(inputs.shape[2:]))  # type: ignore[arg-type]
            if mix is not None:
                inputs, targets = apply(inputs, targets, mix, self.classes)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.bf16):
                logits = self.network(inputs)
            loss = loss_of(logits.float(), targets)
            (loss * (len(rows) / sum(together)) if len(together) > 1 else loss).backward()
            losses.append(loss.detach())
            if place == len(together) - 1:
                if self.clip:
                    moving = [p for p in self.network.parameters() if p.requires_grad]
                    nn.utils.clip_grad_norm_(moving, self.clip)
                learner.optimiser.step()
                learner.follow()
        return torch.stack(losses).mean().item()
