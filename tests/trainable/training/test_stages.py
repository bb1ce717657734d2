"""Two stages, two optimisers and everything else that a fold carries over, resumed to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from techniques import CPU, Trained, cut_off, fold_of, merged

from trainable.config import OptimConfig, StageConfig
from trainable.data.rows import training_rows
from trainable.training.epochs import loss_for
from trainable.training.fold import train_fold
from trainable.training.losses import build_loss
from trainable.training.phases import is_first_stage, optimiser_phase

EVERYTHING = {
    "stage": {"rows": "mask=none", "share": 0.4},
    "optim": {"second": "sgd", "second_share": 0.4, "ema": 0.9, "clip": 1.0, "accumulate": 2},
    "mix": {"name": "cutmix", "p": 0.7},
    "augment": {"policy": "strong"},
    "sampler": {"name": "balanced"},
    "loss": {"f1_weight": 0.3, "class_weights": "effective"},
    "head": {"name": "attributes", "ordinal": ["age"]},
    "model": {"drop_rate": 0.2},
    "keep": "best",
    "epochs": 5,
    "batch_size": 24,
}


@pytest.mark.parametrize(("epochs", "share", "first"), [(10, 0.3, 3), (2, 0.05, 1), (2, 0.95, 1), (5, 0.5, 2)])
def test_each_stage_has_an_epoch_at_least(epochs, share, first):
    stage = StageConfig(rows="mask=none", share=share)
    assert [is_first_stage(stage, epochs, e) for e in range(epochs)] == [e < first for e in range(epochs)]
    optim = OptimConfig(second="sgd", second_share=share, second_lr=0.5)
    phases = [optimiser_phase(optim, epochs, e) for e in range(epochs)]
    assert {p.optimiser for p in phases} == {"adamw", "sgd"} and phases[-1].lr == 0.5 and phases[-1].last == epochs
    assert all(p.first <= e < p.last for e, p in enumerate(phases))


def test_first_stage_shows_its_rows_only(experiment, monkeypatch):
    config = merged({"stage": {"rows": "mask=none", "share": 0.5}, "epochs": 4, "seed": 7})
    seen: list[np.ndarray] = []
    fold = fold_of(config, experiment, "first-stage")
    train = fold.loader.train
    monkeypatch.setattr(fold.loader, "train", lambda rows, *rest: seen.append(rows) or train(rows, *rest))
    list(train_fold(fold))
    masks = experiment.manifest.frame["mask"].to_numpy()
    assert [set(masks[rows]) for rows in seen] == [{2}, {2}, {0, 1, 2}, {0, 1, 2}]
    assert set(np.concatenate(seen[2:])) == set(experiment.folds.train_rows(0))


def test_first_stage_knows_six_classes(experiment):
    """Its loss is that of gender x age: what the network thinks of masks does not matter."""
    config = merged({"stage": {"rows": "mask=none"}})
    found = training_rows(config, experiment.manifest, experiment.folds, 0)
    labels = found.labels[found.rows[found.first[found.rows]]]
    loss = loss_for(config, labels, 18, experiment.manifest.made_of, True, CPU)
    torch.manual_seed(0)
    logits, targets = torch.randn(len(labels), 18), torch.from_numpy(labels)
    six = torch.logsumexp(logits.log_softmax(1).view(-1, 3, 6), 1)
    expected = build_loss("cross_entropy")(six, targets % 6)
    assert torch.allclose(loss(logits, targets), expected, atol=1e-6)


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_fold_cut_off_after_any_epoch_ends_the_same_to_the_bit(experiment, cut):
    whole = Trained(merged(EVERYTHING), experiment)
    fold = cut_off(merged(EVERYTHING), experiment, cut, f"cut-{cut}")
    rest = list(train_fold(fold))
    assert fold.files.result.weights_sha256 == whole.weights
    timeless = [{k: v for k, v in m.items() if "second" not in k} for m in (*rest, *whole.metrics)]
    assert timeless[: len(rest)] == timeless[len(rest) :]
