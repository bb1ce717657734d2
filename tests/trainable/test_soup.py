"""The mean of the last epochs' weights: its formula, its BatchNorm statistics, and its out-of-fold predictions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_techniques import CPU, Trained, experiment, merged  # noqa: F401 - experiment is a fixture

from trainable.files import read_json
from trainable.images.loader import Loader
from trainable.models.build import build_network
from trainable.models.normalise import normalise
from trainable.models.predict import predict
from trainable.train import training_batches
from trainable.training.all_rows import on_all_rows
from trainable.training.averaging import Soup, goes_in
from trainable.training.fold import train_fold
from trainable.training.state import Learner

SOUP = {"keep": "soup", "soup_share": 0.5, "epochs": 5, "seed": 8, "optim": {"schedule": "constant"}}


@pytest.mark.parametrize(("epochs", "share", "count"), [(10, 0.3, 3), (2, 0.3, 1), (1, 0.01, 1), (4, 1.0, 4)])
def test_which_epochs_go_in(epochs: int, share: float, count: int) -> None:
    assert [goes_in(e, epochs, share) for e in range(epochs)] == [False] * (epochs - count) + [True] * count


@pytest.mark.parametrize("change", [{}, {"model": {"freeze": 1}}, {"optim": {"schedule": "constant", "ema": 0.9}}])
def test_weights_are_the_mean_of_the_last_epochs(experiment, monkeypatch, change) -> None:  # noqa: F811
    """Against the mean of what each epoch ended with, and statistics measured by hand; frozen layers keep theirs."""
    config = merged(SOUP, change)
    ended: list[dict[str, torch.Tensor]] = []
    save = Soup.add

    def add(soup: Soup, model: torch.nn.Module) -> None:
        ended.append({n: v.clone().double() for n, v in model.state_dict().items()})
        save(soup, model)

    monkeypatch.setattr(Soup, "add", add)
    run = Trained(config, experiment)
    assert len(ended) == 2  # the last half of five epochs, rounded to even
    kept = load_file(experiment.paths.trial(config.trial_id("techniques")).fold(0).weights)
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
    model.eval()(normalise(pixels, torch.tensor(run.result["statistics"])))
    expected = seen[0].mean((0, 2, 3))
    assert torch.allclose(kept[f"{first}.running_mean"], expected, atol=1e-4) == (not frozen)
    batches = [(row, run.batches[(-1, row)]) for row in [run.valid["index"]]]
    again = predict(model.eval(), batches, torch.tensor(run.result["statistics"]))
    np.testing.assert_allclose(again, run.valid["probabilities"], atol=1e-6)


@pytest.mark.parametrize("cut", [2, 4])
def test_a_fold_cut_off_before_or_within_the_soup_ends_the_same_to_the_bit(experiment, cut) -> None:  # noqa: F811
    config = merged(SOUP, {"soup_share": 0.6})
    whole = Trained(config, experiment)
    fold = experiment.paths.trial(f"soup-{cut}").fold(0)
    begun = train_fold(config, experiment, 0, Loader(training_batches(config, experiment)), CPU, fold)
    for _ in range(cut):
        next(begun)
    begun.close()
    list(train_fold(config, experiment, 0, Loader(training_batches(config, experiment)), CPU, fold))
    assert read_json(fold.result)["weights_sha256"] == whole.weights


def test_validation_labels_choose_nothing(experiment, monkeypatch) -> None:  # noqa: F811
    """Other labels on the fold's own rows leave the weights and predictions as they are: the scores alone change."""
    config = merged(SOUP, {"seed": 9})
    before = Trained(config, experiment)
    truth = experiment.manifest.labels.copy()
    valid = experiment.folds.valid_rows(0)
    truth[valid] = (truth[valid] + 1) % 18
    monkeypatch.setattr("trainable.training.fold.target_labels", lambda *_: truth)
    fold = experiment.paths.trial("soup-other-labels").fold(0)
    list(train_fold(config, experiment, 0, Loader(training_batches(config, experiment)), CPU, fold))
    assert read_json(fold.result)["weights_sha256"] == before.weights
    assert read_json(fold.result)["macro_f1"] != before.result["macro_f1"]


def test_without_validation_a_soup_stays_one() -> None:
    assert on_all_rows(merged({"keep": "soup"})).keep == "soup"
    assert on_all_rows(merged({"keep": "best", "patience": 2})).keep == "last"
    assert Learner(torch.nn.Linear(1, 1), torch.optim.SGD([torch.zeros(1)]), 1).soup.count == 0
