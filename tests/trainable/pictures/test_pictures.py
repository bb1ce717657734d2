"""Pictures of batches and networks: the first batch is the one trained on, Grad-CAM knows every kind of network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import prepared, tiny

from trainable.images.loader import Loader
from trainable.models.build import build_network
from trainable.models.normalise import pixel_statistics
from trainable.pictures.attention import embed, grad_cam
from trainable.pictures.batch import first_batch
from trainable.pictures.sheet import sheet
from trainable.training.batches import training_batches
from trainable.training.context import FoldContext
from trainable.training.fold import train_fold
from trainable.training.step import Steps

STATISTICS = torch.tensor([[0.5] * 3, [0.25] * 3])


class Enough(Exception):
    """The first batch has been seen."""


def test_first_batch_is_the_one_that_training_sees(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepared(sample, tmp_path / "run", size=(64, 48))
    config = tiny(
        input={"store": (64, 48), "size": (32, 32)},
        augment={"policy": "light"},
        sampler={"name": "weighted", "power": 0.5},
    )
    seen: list[np.ndarray] = []

    def spy(steps: Steps, batches: Any, *rest: Any) -> float:
        seen.append(next(batches)[2].numpy())
        raise Enough

    monkeypatch.setattr(Steps, "run", spy)
    loader = Loader(training_batches(config, run.experiment))
    with pytest.raises(Enough):
        next(train_fold(FoldContext(config, run.experiment, 0, loader, torch.device("cpu"), run.trial("t").fold(0))))
    images, captions = first_batch(config, run.experiment)
    np.testing.assert_array_equal(images, seen[0])
    assert len(captions) == len(images)


def test_mixed_batch_says_with_what(sample: Path, tmp_path: Path) -> None:
    run = prepared(sample, tmp_path / "run", size=(64, 48))
    config = tiny(input={"store": (64, 48), "size": (32, 32)}, mix={"name": "mixup", "p": 1.0, "alpha": 1.0})
    plain = tiny(input={"store": (64, 48), "size": (32, 32)})
    images, captions = first_batch(config, run.experiment)
    assert images.dtype == np.uint8
    assert all("%" in c for c in captions)
    assert (images != first_batch(plain, run.experiment)[0]).any()


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet", "test_convnext", "test_vit", "test_vit4"])
def test_grad_cam_overlays_every_kind_of_backbone(backbone: str) -> None:
    config = tiny(model={"backbone": backbone, "pretrained": False}, input={"store": (64, 64), "size": (64, 64)})
    torch.manual_seed(0)
    model = build_network(config, 3).eval()
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    found = grad_cam(model, images, STATISTICS, np.array([0, 1, 2, 0]))
    assert found.shape == images.shape
    assert found.dtype == np.uint8
    assert all(picture.std() > 1 for picture in found)
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


def test_grad_cam_finds_where_the_class_is() -> None:
    """A network that only counts bright pixels looks at the bright corner."""

    class Bright(torch.nn.Module):
        num_features = 2

        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))

        def forward_features(self, images: torch.Tensor) -> torch.Tensor:
            bright = self.scale * torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True), 8)
            return torch.cat([bright.relu(), (-bright).relu()], 1)

        def forward_head(self, features: torch.Tensor) -> torch.Tensor:
            return features.mean((2, 3))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.forward_head(self.forward_features(images))

    images = np.zeros((1, 64, 64, 3), np.uint8)
    images[0, :24, :24] = 255
    found = grad_cam(Bright(), images, STATISTICS, np.array([0]))[0].astype(float).sum(2)
    same_grey = found - images[0].astype(float).sum(2) / 2  # what the heat adds
    assert same_grey[:16, :16].mean() > same_grey[40:, 40:].mean() + 50


def test_embedding_is_the_principal_components_of_the_features() -> None:
    torch.manual_seed(0)
    model: Any = build_network(tiny(), 3).eval()
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
    found = embed(model, images, pixel_statistics("test_resnet", "imagenet", ()), dimensions=4)  # type: ignore[arg-type]
    assert found.shape == (12, 4)
    assert np.abs(found.mean(0)).max() < 1e-4
    spread = found.std(0)
    assert (np.diff(spread) <= 1e-6).all()
    assert np.abs(np.corrcoef(found.T) - np.eye(4)).max() < 1e-2


def test_sheet_puts_captions_below_and_refuses_a_wrong_count() -> None:
    images = np.zeros((5, 20, 30, 3), np.uint8)
    found = sheet(images, ["one", "two\nlines", "", "four", "five of many words, which go on"], columns=3)
    assert found.ndim == 3
    assert found.shape[1] == sheet(images, [""] * 5, columns=3).shape[1], "a long line is broken"
    assert (found < 128).all(2).sum() > 5 * 20 * 30  # all photos, and ink
    with pytest.raises(ValueError, match="5 images and 1 captions"):
        sheet(images, ["one"])
