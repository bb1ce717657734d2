"""Predictions of members: in the order of the test set, and taken up again after an interruption."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import completed, tiny

import ensembles.predict_members
from ensembles.members import Member
from ensembles.predict_members import predict_members
from trainable.data.layouts import read_test
from trainable.errors import InputError
from trainable.images.batches import Batches
from trainable.images.loader import Loader
from trainable.images.store import open_store
from trainable.models.predict import BATCH, load_model, predict
from trainable.run import Run

CPU = torch.device("cpu")


def members(run: Run, count: int = 2) -> list[Member]:
    return [Member(completed(run, tiny(seed=seed)), 0.0) for seed in range(count)]


def test_each_fold_model_predicts_the_test_set_in_its_order(run: Run, tmp_path: Path) -> None:
    (member,) = members(run, 1)
    test = read_test(run.manifest.root, run.manifest.classes)
    found = predict_members([member], test, tmp_path / "parts")
    assert found.shape == (1, 2, len(test.images), 3)
    store = open_store(test.root, test.images, (32, 32))
    loader = Loader(Batches(store.pixels_file, np.arange(len(test.images)), (1.0, 1.0), (32, 32), "none", 0))
    for k, fold in enumerate(member.trial.folds()):
        model = load_model(tiny(), 3, fold.weights, CPU)
        statistics = torch.tensor(fold.result.statistics)
        assert (found[0, k] == predict(model, loader.predict(np.arange(len(test.images)), BATCH), statistics)).all()


def test_interrupted_build_goes_on_where_it_was(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both, parts = members(run), tmp_path / "parts"
    test = read_test(run.manifest.root, run.manifest.classes)
    undisturbed = predict_members(both, test, tmp_path / "other")
    usual, calls = ensembles.predict_members.predict_member, []

    def dies_at_the_second(*arguments):  # type: ignore[no-untyped-def]
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return usual(*arguments)

    monkeypatch.setattr(ensembles.predict_members, "predict_member", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        predict_members(both, test, parts)
    assert (predict_members(both, test, parts) == undisturbed).all()
    assert len(calls) == 3  # the first member was not predicted again


def test_part_made_from_other_photos_is_made_anew(run: Run, tmp_path: Path) -> None:
    (member,) = members(run, 1)
    test = read_test(run.manifest.root, run.manifest.classes)
    before = predict_members([member], test, tmp_path)
    test.images.reverse()
    assert (predict_members([member], test, tmp_path) == before[:, :, ::-1]).all()


def test_changed_weights_are_refused(run: Run, tmp_path: Path) -> None:
    (member,) = members(run, 1)
    weights = member.trial.fold(1).weights
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    test = read_test(run.manifest.root, run.manifest.classes)
    with pytest.raises(InputError, match="missing or changed since it was written"):
        predict_members([member], test, tmp_path)
