"""What a network is shown while a fold trains, and what is kept: watched at the network itself."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from helpers import begun, completed, prepared, tiny, write_photo, write_table
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, f1_score
from techniques import Trained, merged
from torch import Tensor, nn

from trainable.images.loader import Loader
from trainable.models.build import build_network
from trainable.models.freezing import head_name
from trainable.models.normalise import normalise, pixel_statistics
from trainable.run import Experiment, Run
from trainable.training import validation
from trainable.training.trial import run_trial

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


def modes(seen: Seen) -> list[bool]:
    """The modes in turn, repetitions left out."""
    found = [mode for mode, _ in seen]
    return [m for i, m in enumerate(found) if i == 0 or m != found[i - 1]]


def test_network_is_in_training_mode_again_after_each_validation(run: Run, watch: Seen) -> None:
    """model.train() once before the epochs leaves BatchNorm and dropout switched off from the second one on."""
    completed(run, tiny(epochs=3))
    assert modes(watch) == [True, False] * 3 * 2


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_validation_rows_are_never_augmented_resampled_or_dropped(run: Run, watch: Seen, power: float) -> None:
    sampler = {"name": "weighted", "power": power}
    trial = completed(run, tiny(augment={"policy": "strong"}, sampler=sampler, batch_size=5, epochs=2))
    pixels = torch.from_numpy(np.array(run.store.pixels()))
    statistics = pixel_statistics("test_resnet", "imagenet", ((0.0,) * 3, (1.0,) * 3))
    shown = torch.cat([x for training, x in watch if not training])
    rows = np.concatenate([np.tile(run.folds.valid_rows(k), 2) for k in range(2)])
    torch.testing.assert_close(shown, normalise(pixels[run.experiment.place[rows]], statistics), rtol=0, atol=1e-5)
    trained = torch.cat([x for training, x in watch if training])
    assert not any(torch.isclose(image, other).all() for image in trained[:4] for other in shown)
    oof = trial.oof()
    assert oof.index.tolist() == list(range(24))
    assert oof.label.tolist() == run.manifest.labels.tolist()
    assert oof.fold.tolist() == run.folds.fold.tolist()


def test_no_training_row_is_dropped(run: Run, watch: Seen) -> None:
    """12 rows in batches of at most 5."""
    completed(run, tiny(batch_size=5))
    assert sum(len(x) for training, x in watch if training) == 24
    assert all(2 <= len(x) <= 5 for training, x in watch if training)


def test_training_and_validation_see_the_same_size(run: Run, watch: Seen) -> None:
    seen = {"store": (32, 32), "size": (48, 40), "crop": (0.8, 0.9)}
    completed(run, tiny(input=seen, augment={"policy": "strong"}))
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
    run = prepared(generic, tmp_path / "run")
    right = [
        torch.nn.functional.one_hot(torch.from_numpy(run.manifest.labels[run.folds.valid_rows(k)]), 3) for k in range(2)
    ]

    def perfect(logits: Tensor) -> Tensor:
        return 20.0 * next(iter(r for r in right if len(r) == len(logits)))

    def hopeless(logits: Tensor) -> Tensor:
        return torch.tensor([5.0, 0.0, 0.0]).expand(len(logits), 3)

    oracle(monkeypatch, [perfect, hopeless])
    trial = completed(run, tiny(epochs=2))
    for fold in trial.folds():
        assert fold.validation().probabilities.argmax(1).max() == 0
        assert fold.result.score == fold.epochs()[-1]["score"] < 0.3
        steps = [int(v) for name, v in load_file(fold.weights).items() if name.endswith("num_batches_tracked")]
        assert set(steps) == {4}, "2 epochs of 12 rows in batches of at most 8"


def test_scores_are_pooled_and_equal_scikit_learns(generic: Path, tmp_path: Path) -> None:
    """The mean of F1 over batches or folds is another number."""
    run = prepared(generic, tmp_path / "run", folds=3)
    trial = completed(run, tiny(batch_size=4, epochs=2, optim={"lr": 1e-3}))
    oof, result = trial.oof(), trial.result
    predicted = oof.probabilities.argmax(1)
    options = {"average": "macro", "labels": range(3), "zero_division": 0}
    assert result.oof_score == pytest.approx(f1_score(oof.label, predicted, **options), abs=1e-12)
    assert result.accuracies["accuracy"] == pytest.approx(accuracy_score(oof.label, predicted), abs=1e-12)
    for k, fold in enumerate(trial.folds()):
        held = oof.fold == k
        last = fold.epochs()[-1]
        assert last["score"] == pytest.approx(f1_score(oof.label[held], predicted[held], **options), abs=1e-12)
        assert last["accuracy"] == pytest.approx(accuracy_score(oof.label[held], predicted[held]), abs=1e-12)


def test_pixel_statistics_do_not_come_from_the_first_sorted_images(tmp_path: Path) -> None:
    """Folders are sorted by source and age: the first 3,000 are not like the rest."""
    root, rows = tmp_path / "data", []
    for i in range(2600):
        name = f"{i:04}.bmp"
        write_photo(root / name, 60 if i < 1300 else 180, seed=i % 7, side=16)
        rows.append((name, "dark" if i < 1300 else "bright"))
    write_table(root / "manifest.csv", ("path", "label"), rows)
    run = prepared(root, tmp_path / "run", size=(16, 16))
    config = tiny(input={"store": (16, 16), "size": (16, 16), "normalise": "dataset"}, batch_size=256)
    trial = begun(run, config)
    next(run_trial(trial, device=CPU))
    pixels = np.array(run.store.pixels()[run.experiment.place[run.folds.train_rows(0)]]) / 255
    mean, deviation = trial.fold(0).result.statistics
    assert mean == pytest.approx(pixels.mean((0, 1, 2)), abs=0.02)
    assert deviation == pytest.approx(pixels.std((0, 1, 2)), abs=0.02)


@pytest.mark.parametrize(("most", "passes"), [(validation.MOST, 1), (1000, 3)])
def test_validation_rows_are_cut_out_once_a_fold_where_they_fit(
    run: Run, monkeypatch: pytest.MonkeyPatch, most: int, passes: int
) -> None:
    whole = completed(run, tiny(epochs=3)).oof().probabilities
    asked: list[int] = []
    usual = Loader.predict
    monkeypatch.setattr(validation, "MOST", most)
    monkeypatch.setattr(Loader, "predict", lambda self, *given: asked.append(0) or usual(self, *given))
    again = prepared(run.manifest.root, run.root.parent / "again")
    assert np.array_equal(completed(again, tiny(epochs=3)).oof().probabilities, whole)
    assert len(asked) == passes * run.folds.count


@pytest.mark.parametrize("freeze", [1, "body"])
def test_frozen_parts_are_saved_as_they_began(experiment: Experiment, freeze: object) -> None:
    """Two seeds of epochs apart: 1 epoch and 3 epochs end with the same frozen weights and statistics."""
    ended = []
    for epochs in (1, 3):
        config = merged({"model": {"freeze": freeze}, "epochs": epochs, "seed": 6})
        ended.append(load_file(Trained(config, experiment).file))
    same = {name for name in ended[0] if torch.equal(ended[0][name], ended[1][name])}
    head = head_name(build_network(config, 18))
    assert "conv1.0.weight" in same or "conv1.weight" in same
    assert not any(name.startswith(head) for name in same)
    if freeze == "body":
        assert same == {name for name in ended[0] if not name.startswith(head)}


def test_best_keeps_the_epoch_with_the_highest_score(experiment: Experiment) -> None:
    run = Trained(
        merged({"keep": "best", "epochs": 4, "seed": 3, "optim": {"lr": 0.1, "schedule": "constant"}}), experiment
    )
    of_epoch = [m["score_of_epoch"] for m in run.metrics]
    assert [m["score"] for m in run.metrics] == pytest.approx(list(np.maximum.accumulate(of_epoch)))
    assert run.result.score == pytest.approx(max(of_epoch))
    assert merged({"keep": "best"}).cautions() and not merged().cautions()
