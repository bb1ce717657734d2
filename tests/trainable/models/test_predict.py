"""Predictions: the same to the bit however they are asked for; precision and memory layout stay below seed noise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import completed, generic_data, prepared, tiny
from torch import nn

import trainable.models.normalise
import trainable.models.predict
import trainable.training.epochs
from trainable.images.loader import Loader
from trainable.models.build import build_model
from trainable.models.predict import BATCH, load_model, predict, predict_together
from trainable.run import Run
from trainable.training.batches import training_batches

CPU = torch.device("cpu")


def parts(rows: int = 11) -> list[tuple[np.ndarray, torch.Tensor]]:
    images = torch.randint(0, 256, (rows, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return [(np.arange(rows)[i : i + 4], images[i : i + 4]) for i in range(0, rows, 4)]


def networks(count: int) -> list[nn.Module]:
    torch.manual_seed(0)
    return [build_model("test_resnet", classes=5, size=(32, 32)).eval() for _ in range(count)]


def test_models_together_answer_as_one_after_another() -> None:
    models = networks(3)
    own = torch.tensor([[[0.5] * 3, [0.2] * 3], [[0.5] * 3, [0.2] * 3], [[0.4] * 3, [0.3] * 3]])
    together = predict_together(models, parts(), own)
    assert together.shape == (3, 11, 5)
    assert together.dtype == np.float32
    for k, model in enumerate(models):
        assert (together[k] == predict(model, parts(), own[k])).all()
    assert np.allclose(together.sum(2), 1, atol=1e-6)
    assert (together[0] != together[1]).any()


def test_predicting_leaves_the_mode_of_evaluation_and_no_gradients() -> None:
    (model,) = networks(1)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    predict(model, parts(), torch.tensor([[0.5] * 3, [0.2] * 3]))
    assert not model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_saved_fold_model_repeats_its_validation_to_the_bit(run: Run) -> None:
    config = tiny(augment={"policy": "strong"})
    trial = completed(run, config)
    loader = Loader(training_batches(config, run.experiment))
    for k, fold in enumerate(trial.folds()):
        model = load_model(config, len(run.manifest.classes), fold.weights, CPU)
        statistics = torch.tensor(fold.result.statistics)
        again = predict(model, loader.predict(run.folds.valid_rows(k), BATCH), statistics)
        assert (again == fold.validation().probabilities).all()


@pytest.mark.slow
def test_bf16_and_channels_last_change_the_score_by_less_than_the_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = generic_data(tmp_path / "data", people=60, classes=6)
    run = prepared(data, tmp_path / "run")

    def score(seed: int, precision: str = "fp32") -> float:
        return completed(run, tiny(epochs=6, precision=precision, seed=seed)).result.oof_score

    usual = np.array([score(seed) for seed in range(3)])
    bf16 = np.array([score(seed, "bf16") for seed in range(3)])
    in_memory = torch.channels_last, trainable.models.normalise.normalise

    def contiguous(*arguments: Any, **named: Any) -> torch.Tensor:
        return in_memory[1](*arguments, **named).contiguous()

    monkeypatch.setattr(torch, "channels_last", torch.contiguous_format)
    monkeypatch.setattr(trainable.models.predict, "normalise", contiguous)
    monkeypatch.setattr(trainable.training.epochs, "normalise", contiguous)
    run = prepared(data, tmp_path / "contiguous")
    plain = np.array([score(seed) for seed in range(3)])
    noise = usual.max() - usual.min()
    assert usual.mean() > 0.5  # of six classes: it learns
    print(f"channels_last {usual} bf16 {bf16} contiguous {plain} noise {noise:.4f}")
    assert abs(bf16.mean() - usual.mean()) <= noise
    assert abs(plain.mean() - usual.mean()) <= noise
