"""What a network is shown while a fold trains, and what is kept: watched at the network itself."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from helpers import prepared, tiny, write_photo, write_table
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn

from trainable.files import read_json, read_json_lines, read_npz
from trainable.models.normalise import normalise, pixel_statistics
from trainable.run.experiment import Experiment
from trainable.run.paths import TrialPaths
from trainable.train import run_trial

CPU = torch.device("cpu")
Seen = list[tuple[bool, Tensor]]  # whether every part of the network was in training mode, and its input


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Every input of every network that is made from here on."""
    seen: Seen = []
    real = timm.create_model

    def look(model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        modes = {m.training for m in model.modules()}
        assert len(modes) == 1, "some parts train and some do not"
        seen.append((modes.pop(), inputs[0].detach().clone()))

    def create(*arguments: object, **options: object) -> nn.Module:
        model = real(*arguments, **options)
        model.register_forward_pre_hook(look)
        return model

    monkeypatch.setattr(timm, "create_model", create)
    return seen


def finish(experiment: Experiment, **changes: object) -> TrialPaths:
    config = tiny(**changes)
    for _ in run_trial(config, experiment, device=CPU):
        pass
    return experiment.paths.trial(config.trial_id(experiment.folds.fingerprint()))


def modes(seen: Seen) -> list[bool]:
    """The modes in turn, repetitions left out."""
    found = [mode for mode, _ in seen]
    return [m for i, m in enumerate(found) if i == 0 or m != found[i - 1]]


def test_network_is_in_training_mode_again_after_each_validation(experiment: Experiment, watch: Seen) -> None:
    """model.train() once before the epochs leaves BatchNorm and dropout switched off from the second one on."""
    finish(experiment, epochs=3)
    assert modes(watch) == [True, False] * 3 * 2


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_validation_rows_are_never_augmented_resampled_or_dropped(
    experiment: Experiment, watch: Seen, power: float
) -> None:
    sampler = {"name": "weighted", "power": power}
    trial = finish(experiment, augment={"policy": "strong"}, sampler=sampler, batch_size=5, epochs=2)
    pixels = torch.from_numpy(np.array(experiment.store.pixels()))
    statistics = pixel_statistics("test_resnet", "imagenet", ((0.0,) * 3, (1.0,) * 3))
    shown = torch.cat([x for training, x in watch if not training])
    rows = np.concatenate([np.tile(experiment.folds.valid_rows(k), 2) for k in range(2)])
    torch.testing.assert_close(shown, normalise(pixels[experiment.place[rows]], statistics), rtol=0, atol=1e-5)
    trained = torch.cat([x for training, x in watch if training])
    assert not any(torch.isclose(image, other).all() for image in trained[:4] for other in shown)
    oof = read_npz(trial.oof)
    assert oof["index"].tolist() == list(range(24))
    assert oof["label"].tolist() == experiment.manifest.labels.tolist()
    assert oof["fold"].tolist() == experiment.folds.fold.tolist()


def test_no_training_row_is_dropped(experiment: Experiment, watch: Seen) -> None:
    """12 rows in batches of at most 5."""
    finish(experiment, batch_size=5)
    assert sum(len(x) for training, x in watch if training) == 24
    assert all(2 <= len(x) <= 5 for training, x in watch if training)


def test_training_and_validation_see_the_same_size(experiment: Experiment, watch: Seen) -> None:
    finish(experiment, input={"store": (32, 32), "size": (48, 40), "crop": (0.8, 0.9)}, augment={"policy": "strong"})
    assert {tuple(x.shape[1:]) for _, x in watch} == {(3, 48, 40)}


def oracle(monkeypatch: pytest.MonkeyPatch, answers: list[Callable[[Tensor], Tensor]]) -> None:
    """Networks whose i-th validation answers as answers[i]."""
    real, done = timm.create_model, []

    def answer(model: nn.Module, inputs: tuple[Tensor, ...], logits: Tensor) -> Tensor | None:
        if model.training:
            return None
        done.append(1)
        return answers[(len(done) - 1) % len(answers)](logits)

    def create(*arguments: object, **options: object) -> nn.Module:
        model = real(*arguments, **options)
        model.register_forward_hook(answer)
        return model

    monkeypatch.setattr(timm, "create_model", create)


def test_last_epoch_is_kept_though_an_earlier_one_had_the_best_accuracy(
    generic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Choosing the epoch on the rows that it is scored on inflates the score; accuracy is the wrong one besides."""
    experiment = prepared(generic, tmp_path / "run")
    right = [
        torch.nn.functional.one_hot(torch.from_numpy(experiment.manifest.labels[experiment.folds.valid_rows(k)]), 3)
        for k in range(2)
    ]

    def perfect(logits: Tensor) -> Tensor:
        return 20.0 * next(iter(r for r in right if len(r) == len(logits)))

    def hopeless(logits: Tensor) -> Tensor:
        return torch.tensor([5.0, 0.0, 0.0]).expand(len(logits), 3)

    oracle(monkeypatch, [perfect, hopeless])
    trial = finish(experiment, epochs=2)
    for fold in trial.folds():
        assert read_npz(fold.valid)["probabilities"].argmax(1).max() == 0
        assert read_json(fold.result)["macro_f1"] == list(read_json_lines(fold.metrics))[-1]["macro_f1"] < 0.3
        steps = [int(v) for name, v in load_file(fold.weights).items() if name.endswith("num_batches_tracked")]
        assert set(steps) == {4}, "2 epochs of 12 rows in batches of at most 8"


def test_scores_are_pooled_and_equal_scikit_learns(generic: Path, tmp_path: Path) -> None:
    """The mean of F1 over batches or folds is another number."""
    experiment = prepared(generic, tmp_path / "run", folds=3)
    trial = finish(experiment, batch_size=4, epochs=2, optim={"lr": 1e-3})
    oof, result = read_npz(trial.oof), read_json(trial.result)
    predicted = oof["probabilities"].argmax(1)
    options = {"average": "macro", "labels": range(3), "zero_division": 0}
    assert result["oof_macro_f1"] == pytest.approx(f1_score(oof["label"], predicted, **options), abs=1e-12)
    assert result["accuracy"] == pytest.approx(accuracy_score(oof["label"], predicted), abs=1e-12)
    for k, fold in enumerate(trial.folds()):
        held = oof["fold"] == k
        last = list(read_json_lines(fold.metrics))[-1]
        assert last["macro_f1"] == pytest.approx(f1_score(oof["label"][held], predicted[held], **options), abs=1e-12)
        assert last["accuracy"] == pytest.approx(accuracy_score(oof["label"][held], predicted[held]), abs=1e-12)


def test_pixel_statistics_do_not_come_from_the_first_sorted_images(tmp_path: Path) -> None:
    """Folders are sorted by source and age: the first 3,000 are not like the rest."""
    root, rows = tmp_path / "data", []
    for i in range(2600):
        name = f"{i:04}.bmp"
        write_photo(root / name, 60 if i < 1300 else 180, seed=i % 7, side=16)
        rows.append((name, "dark" if i < 1300 else "bright"))
    write_table(root / "manifest.csv", ("path", "label"), rows)
    experiment = prepared(root, tmp_path / "run", size=(16, 16))
    config = tiny(input={"store": (16, 16), "size": (16, 16), "normalise": "dataset"}, batch_size=256)
    next(run_trial(config, experiment, device=CPU))
    fold = experiment.paths.trial(config.trial_id(experiment.folds.fingerprint())).fold(0)
    pixels = np.array(experiment.store.pixels()[experiment.place[experiment.folds.train_rows(0)]]) / 255
    mean, deviation = read_json(fold.result)["statistics"]
    assert mean == pytest.approx(pixels.mean((0, 1, 2)), abs=0.02)
    assert deviation == pytest.approx(pixels.std((0, 1, 2)), abs=0.02)
