"""Everything that changes while a fold trains, and how it is saved and taken up again."""

import io
from dataclasses import dataclass, field
from typing import Any

import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from trainable.files import write_bytes
from trainable.run.paths import FoldPaths
from trainable.training.averaging import Soup


@dataclass
class Best:
    """The epoch that scored best, for `keep: best`."""

    score: float
    epoch: int
    weights: dict[str, Tensor]
    probabilities: Tensor


@dataclass
class Learner:
    """`micro_batch`: how many images go through the network at once; below the batch size where memory was full."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    micro_batch: int
    ema: ModelEmaV3 | None = None
    epoch: int = 0  # epochs finished
    updates: int = 0  # steps of the optimisers
    best: Best | None = None
    soup: Soup = field(default_factory=Soup)  # empty, except for `keep: soup`

    @property
    def kept(self) -> nn.Module:
        """The network that is scored and saved: the moving average, if there is one."""
        return self.model if self.ema is None else self.ema.module

    def follow(self) -> None:
        """After a step: count it and move the average; no copy of the weights is made."""
        self.updates += 1
        if self.ema is not None:
            self.ema.update(self.model, step=self.updates)

    def save(self, paths: FoldPaths) -> None:
        state: dict[str, Any] = {
            "epoch": self.epoch,
            "updates": self.updates,
            "micro_batch": self.micro_batch,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "ema": None if self.ema is None else self.ema.module.state_dict(),
            "best": None if self.best is None else vars(self.best),
            "soup": vars(self.soup),
        }
        content = io.BytesIO()
        torch.save(state, content)
        write_bytes(paths.resume, content.getbuffer())

    def load(self, state: dict[str, Any]) -> None:
        """Take up a saved state; the optimiser must be of the kind that it was saved with."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.ema is not None:
            self.ema.module.load_state_dict(state["ema"])
        self.epoch, self.updates, self.micro_batch = state["epoch"], state["updates"], state["micro_batch"]
        self.best = None if state["best"] is None else Best(**state["best"])
        self.soup = Soup(**state["soup"])


def read_state(paths: FoldPaths, device: torch.device) -> dict[str, Any] | None:
    """The last epoch's state, if any."""
    return torch.load(paths.resume, map_location=device, weights_only=True) if paths.resume.exists() else None


def to_host(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone().contiguous() for name, value in model.state_dict().items()}
