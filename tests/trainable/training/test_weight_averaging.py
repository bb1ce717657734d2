"""Mean weights, of the last epochs or moving: formula, BatchNorm statistics, and that they are what predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from techniques import Trained, cut_off, merged

from trainable.models.build import build_network
from trainable.models.normalise import normalise
from trainable.models.predict import predict
from trainable.training.all_rows import without_validation
from trainable.training.fold import train_fold
from trainable.training.state import TrainingState
from trainable.training.weight_averaging import goes_in

SOUP = {"keep": "soup", "soup_share": 0.5, "epochs": 5, "seed": 8, "optim": {"schedule": "constant"}}


@pytest.mark.parametrize(("epochs", "share", "count"), [(10, 0.3, 3), (2, 0.3, 1), (1, 0.01, 1), (4, 1.0, 4)])
def test_which_epochs_go_in(epochs: int, share: float, count: int) -> None:
    assert [goes_in(e, epochs, share) for e in range(epochs)] == [False] * (epochs - count) + [True] * count


@pytest.mark.parametrize("change", [{}, {"model": {"freeze": 1}}, {"optim": {"schedule": "constant", "ema": 0.9}}])
def test_weights_are_the_mean_of_the_last_epochs(experiment, monkeypatch, change) -> None:
    """Against the mean of what each epoch ended with, and statistics measured by hand; frozen layers keep theirs."""
    config = merged(SOUP, change)
    ended: list[dict[str, torch.Tensor]] = []
    stir = TrainingState.stir

    def watched(state: TrainingState, *arguments: Any, **options: Any) -> None:
        ended.append({n: v.clone().double() for n, v in state.kept.state_dict().items()})
        stir(state, *arguments, **options)

    monkeypatch.setattr(TrainingState, "stir", watched)
    run = Trained(config, experiment)
    assert len(ended) == 2  # the last half of five epochs, rounded to even
    kept = load_file(run.file)
    for name, value in kept.items():
        if value.is_floating_point() and "running" not in name:
            mean = torch.stack([e[name] for e in ended]).mean(0)
            torch.testing.assert_close(value.double(), mean, rtol=1e-5, atol=1e-7)
    first = "conv1.1" if "conv1.1.running_mean" in kept else "bn1"
    frozen = bool(change.get("model"))
    assert torch.equal(kept[f"{first}.running_mean"], ended[-1][f"{first}.running_mean"].float()) == frozen
    model = build_network(config, 18)
    model.load_state_dict(kept)
    seen: list[torch.Tensor] = []
    layer = model.get_submodule(first)
    layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    rows = experiment.folds.train_rows(0)
    pixels = torch.from_numpy(np.array(experiment.store.pixels()))[torch.from_numpy(experiment.place[rows])]
    model.eval()(normalise(pixels, torch.tensor(run.result.statistics)))
    expected = seen[0].mean((0, 2, 3))
    assert torch.allclose(kept[f"{first}.running_mean"], expected, atol=1e-4) == (not frozen)
    batches = [(row, torch.from_numpy(run.batches.make(-1, row))) for row in [run.valid.index]]
    again = predict(model.eval(), batches, torch.tensor(run.result.statistics))
    np.testing.assert_allclose(again, run.valid.probabilities, atol=1e-6)


@pytest.mark.parametrize("cut", [2, 4])
def test_a_fold_cut_off_before_or_within_the_soup_ends_the_same_to_the_bit(experiment, cut) -> None:
    config = merged(SOUP, {"soup_share": 0.6})
    whole = Trained(config, experiment)
    fold = cut_off(config, experiment, cut, f"soup-{cut}")
    list(train_fold(fold))
    assert fold.files.result.weights_sha256 == whole.weights


def test_validation_labels_choose_nothing(experiment, monkeypatch) -> None:
    """Other labels on the fold's own rows leave the weights and predictions as they are: the scores alone change."""
    config = merged(SOUP, {"seed": 9})
    before = Trained(config, experiment)
    truth = experiment.manifest.labels.copy()
    valid = experiment.folds.valid_rows(0)
    truth[valid] = (truth[valid] + 1) % 18
    monkeypatch.setattr("trainable.training.context.target_labels", lambda *_: truth)
    after = Trained(config, experiment, "soup-other-labels")
    assert after.weights == before.weights and after.guesses == before.guesses
    assert after.result.score != before.result.score


def test_without_validation_a_soup_stays_one() -> None:
    assert without_validation(merged({"keep": "soup"})).keep == "soup"
    assert without_validation(merged({"keep": "best", "patience": 2})).keep == "last"
    assert TrainingState(torch.nn.Linear(1, 1), torch.optim.SGD([torch.zeros(1)]), 1).soup is None


def test_moving_average_is_saved_as_it_was_scored(experiment):
    config = merged({"optim": {"ema": 0.9}, "seed": 5})
    run = Trained(config, experiment)
    kept = load_file(run.file)
    steps = [int(value) for name, value in kept.items() if name.endswith("num_batches_tracked")]
    assert set(steps) == {4}, "2 epochs of 2 steps: counts are not averaged"
    model = build_network(config, 18)
    model.load_state_dict(kept)
    batches = [(rows, torch.from_numpy(run.batches.make(-1, rows))) for rows in [run.valid.index]]
    again = predict(model.eval(), batches, torch.tensor(run.result.statistics))
    assert np.allclose(again, run.valid.probabilities, atol=1e-6)
