"""Small networks that the bank's trials train from random weights, on pixels or on features of a frozen network."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, BATCH = 12, 64
BACKBONES = ("stride", "pooled", "patches")


def draw(random: np.random.Generator, features: bool) -> dict[str, Any]:
    """A configuration, as a random search draws it."""
    found = {
        "lr": float(np.exp(random.uniform(np.log(5e-4), np.log(2e-2)))),
        "balance": float(random.choice([0.0, 0.5, 1.0])),
        "smoothing": float(random.choice([0.0, 0.1])),
        "focal": bool(random.random() < 0.3),
        "dropout": float(random.choice([0.0, 0.2, 0.5])),
        "seed": int(random.integers(2**31)),
    }
    if features:
        return {**found, "hidden": int(random.choice([0, 32, 96])), "mixup": bool(random.random() < 0.4)}
    return {
        **found,
        "backbone": str(random.choice(BACKBONES)),
        "width": int(random.choice([12, 20])),
        "shift": bool(random.random() < 0.5),
        "flip": bool(random.random() < 0.5),
    }


def build(config: dict[str, Any], shape: tuple[int, ...], classes: int) -> nn.Module:
    """A network for inputs of that shape, (D,) or (3, H, W)."""
    torch.manual_seed(config["seed"])
    drop = nn.Dropout(config["dropout"])
    if len(shape) == 1:
        hidden = config["hidden"]
        if not hidden:
            return nn.Sequential(nn.BatchNorm1d(shape[0]), drop, nn.Linear(shape[0], classes))
        first = (nn.BatchNorm1d(shape[0]), nn.Linear(shape[0], hidden), nn.ReLU())
        return nn.Sequential(*first, drop, nn.Linear(hidden, classes))
    w = config["width"]
    if config["backbone"] == "stride":
        body = [*_conv(3, w, 5, 2), *_conv(w, 2 * w, 3, 2), *_conv(2 * w, 3 * w, 3, 2), nn.AdaptiveAvgPool2d(2)]
        return nn.Sequential(*body, nn.Flatten(), drop, nn.Linear(12 * w, classes))
    if config["backbone"] == "pooled":
        body = [*_conv(3, w, 3, 2), nn.MaxPool2d(2), *_conv(w, 3 * w, 3, 1), nn.AdaptiveMaxPool2d(2)]
        return nn.Sequential(*body, nn.Flatten(), drop, nn.Linear(12 * w, classes))
    body = [nn.Conv2d(3, 3 * w, 4, 4), nn.GELU(), nn.BatchNorm2d(3 * w), *_conv(3 * w, 3 * w, 1, 1)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(3), nn.Flatten(), drop, nn.Linear(27 * w, classes))


def _conv(inside: int, outside: int, kernel: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
    ]


def train(config: dict[str, Any], inputs: Tensor, labels: Tensor, classes: int) -> nn.Module:
    """A network trained on inputs float32 [n, ...] and labels int64[n], in eval."""
    model = build(config, tuple(inputs.shape[1:]), classes)
    random = torch.Generator().manual_seed(config["seed"])
    counts = torch.bincount(labels, minlength=classes).clamp(min=1).double()
    chance = (counts ** -config["balance"])[labels]
    steps = len(labels) // BATCH + 1
    optimiser = torch.optim.AdamW(model.parameters(), lr=config["lr"], weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config["lr"], total_steps=steps * EPOCHS)
    model.train()
    for _ in range(EPOCHS):
        for rows in torch.multinomial(chance, steps * BATCH, True, generator=random).split(BATCH):
            batch, target = _augmented(config, inputs[rows], random), labels[rows]
            loss = _loss(config, model, batch, target, random)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


def _loss(config: dict[str, Any], model: nn.Module, batch: Tensor, target: Tensor, random: torch.Generator) -> Tensor:
    if config.get("mixup"):
        order, share = torch.randperm(len(batch), generator=random), float(torch.rand((), generator=random))
        logits = model(share * batch + (1 - share) * batch[order])
        return share * F.cross_entropy(logits, target) + (1 - share) * F.cross_entropy(logits, target[order])
    losses = F.cross_entropy(model(batch), target, reduction="none", label_smoothing=config["smoothing"])
    return ((1 - torch.exp(-losses)) ** 2 * losses).mean() if config["focal"] else losses.mean()


def _augmented(config: dict[str, Any], batch: Tensor, random: torch.Generator) -> Tensor:
    if config.get("flip") and torch.rand((), generator=random) < 0.5:
        batch = batch.flip(3)
    if config.get("shift"):
        down, right = torch.randint(-3, 4, (2,), generator=random).tolist()
        batch = batch.roll((down, right), (2, 3))
    return batch


@torch.inference_mode()
def predict(model: nn.Module, inputs: Tensor) -> np.ndarray:
    """Probabilities float32 [n, C]."""
    return torch.cat([model(some).softmax(1) for some in inputs.split(512)]).numpy()
