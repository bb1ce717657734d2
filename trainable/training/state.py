"""Everything that changes while a fold trains, and how it is saved and taken up again."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from trainable.models.build import build_network
from trainable.models.freezing import freeze
from trainable.randomness import generator
from trainable.run import Fold
from trainable.training.context import FoldContext
from trainable.training.optim import build_optimiser
from trainable.training.phases import OptimiserPhase, optimiser_phase
from trainable.training.start import between, start_from
from trainable.training.weight_averaging import MovingAverage, moving_statistics, new_soup, with_statistics


@dataclass
class Best:
    """The epoch that scored best, for `keep: best`."""

    score: float
    epoch: int
    weights: dict[str, Tensor]
    probabilities: Tensor


@dataclass
class TrainingState:
    """`micro_batch`: how many images go through the network at once; below the batch size where memory was full.

    epoch: epochs finished. updates: steps of the optimisers. soup: only for `keep: soup`. start: the weights that the
    fold began from, where the network that is kept lies `share` of the way from them.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    micro_batch: int
    average: MovingAverage | None = None
    epoch: int = 0
    updates: int = 0
    best: Best | None = None
    soup: AveragedModel | None = None
    served: nn.Module | None = None  # what the soup has become, once the last epoch is in it
    start: dict[str, Tensor] | None = None
    share: float = 1.0

    @property
    def kept(self) -> nn.Module:
        """The network that is scored and saved: the soup at its end, the moving average, or the model itself.

        Where the weights of the start are kept, it is what lies between these and the average or the model.
        """
        if self.served is not None:
            return self.served
        end = self.model if self.average is None else self.average.module
        if self.start is None:
            return end
        found = deepcopy(end)
        found.load_state_dict(between(self.start, end, self.share))
        return found

    def follow(self) -> None:
        """After a step: count it and move the average."""
        self.updates += 1
        if self.average is not None:
            self.average.follow(self.model, self.updates)

    def stir(self, images: Iterable[Tensor], *, last: bool) -> None:
        """Add this epoch's network to the soup; after the `last` one it is what predicts.

        images: batches of the training rows as the network takes them, from which BatchNorm's statistics are taken.
        """
        self.soup = self.soup or new_soup(self.kept)
        self.soup.update_parameters(self.kept)
        if last:
            self.served = with_statistics(self.soup.module, moving_statistics(self.model), images)

    def to_dict(self) -> dict[str, Any]:
        """All of it as what `load` takes; tensors are those that train."""
        return {
            "epoch": self.epoch,
            "updates": self.updates,
            "micro_batch": self.micro_batch,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "best": None if self.best is None else vars(self.best),
            "soup": None if self.soup is None else self.soup.state_dict(),
            "start": self.start,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take up a saved state; the optimiser must be of the kind that it was saved with."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.epoch, self.updates, self.micro_batch = state["epoch"], state["updates"], state["micro_batch"]
        self.best = None if state["best"] is None else Best(**state["best"])
        self.start = state["start"]
        if state["soup"] is not None:
            self.soup = new_soup(self.kept)
            self.soup.load_state_dict(state["soup"])


def begin_or_resume(fold: FoldContext) -> TrainingState:
    """A fold's state as it begins, or as its last finished epoch left it."""
    config, device = fold.config, fold.device
    torch.manual_seed(int(generator(config.seed, fold.k).integers(2**62)))
    weights = fold.experiment.weights.get(config.model.backbone) if config.model.pretrained else None
    start = Path(weights) if weights else None
    model = build_network(config, len(fold.classes), start, fold.experiment.manifest.made_of)
    saved = read_state(fold.files, device)
    if fold.heads is not None and saved is None:
        start_from(model, fold.heads, fold.k)
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    freeze(model, config.model.freeze)
    average = MovingAverage(model, config.optim.ema) if config.optim.ema else None
    last = max(0, saved["epoch"] - 1) if saved else 0
    optimiser = optimiser_of(fold, model, optimiser_phase(config.optim, config.epochs, last))
    state = TrainingState(model, optimiser, fold.micro_batch or config.batch_size, average, share=config.model.wise_ft)
    if config.model.wise_ft < 1 and config.model.freeze != "body":
        state.start = {name: value.detach().clone() for name, value in model.state_dict().items()}
    if saved:
        state.load(saved)
    return state


def optimiser_of(fold: FoldContext, model: nn.Module, phase: OptimiserPhase) -> torch.optim.Optimizer:
    """The optimiser of a phase of the fold, as it begins."""
    o = fold.config.optim
    return build_optimiser(
        model,
        name=phase.optimiser,
        lr=phase.lr,
        weight_decay=o.weight_decay,
        momentum=o.momentum,
        layer_decay=o.layer_decay,
        head_factor=o.head_factor,
    )


def read_state(files: Fold, device: torch.device) -> dict[str, Any] | None:
    """The last epoch's state, if any."""
    return torch.load(files.resume, map_location=device, weights_only=True) if files.resume.exists() else None


def to_host(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone().contiguous() for name, value in model.state_dict().items()}
