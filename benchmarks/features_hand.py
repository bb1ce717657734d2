"""What one would do by hand in the same time: fine-tune one network in K folds, with a plain loop of torch."""

import math
import time

import numpy as np
import torch

from benchmarks.features_data import FOLDS, Photos, source
from benchmarks.features_heads import score
from trainable.models.build import build_model
from trainable.models.normalise import normalise

RATE, BATCH = 1e-3, 32


def by_hand(photos: Photos, backbone: str, seconds: float) -> dict[str, float]:
    """Test macro-F1 of the vote of FOLDS networks (Adam, flips, a cosine), each trained for its share of the time."""
    e, labels = photos.experiment, torch.from_numpy(photos.experiment.manifest.labels.copy())
    pixels = torch.from_numpy(np.array(e.store.pixels()[e.place]))
    asked = torch.from_numpy(np.array(photos.test.pixels()))
    table = source((backbone, photos.side), e.store)
    vote, images = torch.zeros(len(asked), len(e.manifest.classes)), 0
    started = time.perf_counter()
    for k in range(FOLDS):
        torch.manual_seed(k)
        size = (photos.side, photos.side)
        model = build_model(backbone, classes=len(e.manifest.classes), size=size, weights=table.body)
        rows = torch.from_numpy(e.folds.train_rows(k))
        until = started + seconds * (k + 1) / FOLDS
        images += _train(model, pixels, labels, rows, table.statistics, until)
        with torch.inference_mode():
            model.eval()
            some = [model(normalise(part, table.statistics)).softmax(1) for part in asked.split(64)]
        vote += torch.cat(some) / FOLDS
    taken = time.perf_counter() - started
    epochs = images / sum(len(e.folds.train_rows(k)) for k in range(FOLDS))
    return {"seconds": taken, "epochs": epochs, "score": score(photos.answers, vote.numpy())}


def _train(
    model: torch.nn.Module,
    pixels: torch.Tensor,
    labels: torch.Tensor,
    rows: torch.Tensor,
    statistics: torch.Tensor,
    until: float,
) -> int:
    """Train until a moment of `time.perf_counter`; images seen."""
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    begun, seen = time.perf_counter(), 0
    model.train()
    while True:
        for part in rows[torch.randperm(len(rows))].split(BATCH):
            share = (time.perf_counter() - begun) / max(until - begun, 1e-9)
            if share >= 1 and seen:
                return seen
            for group in optimiser.param_groups:
                group["lr"] = RATE * (1 + math.cos(math.pi * min(share, 1.0))) / 2
            images = normalise(pixels[part], statistics)
            images = torch.where(torch.rand(len(part), 1, 1, 1) < 0.5, images.flip(3), images)
            loss = torch.nn.functional.cross_entropy(model(images), labels[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            seen += len(part)
