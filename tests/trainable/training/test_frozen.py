"""Heads on frozen features as trials: out-of-fold predictions, files, resuming, all rows, new photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import begun, completed, generic_data, prepared, tiny
from safetensors.torch import load_file
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ensembles.members import Member
from ensembles.predict_members import predict_member
from trainable.config import TrialConfig
from trainable.config.head import FITTED
from trainable.data.layouts import read_test
from trainable.data.manifest import Manifest
from trainable.data.pseudo_labels import with_pseudo
from trainable.errors import InputError
from trainable.images.loader import Loader
from trainable.models.freezing import features
from trainable.models.normalise import normalise, pixel_statistics
from trainable.models.predict import BATCH, load_model, load_network, predict
from trainable.run import Run
from trainable.training.all_rows import train_on_all_rows
from trainable.training.batches import training_batches
from trainable.training.frozen import FrozenHeads
from trainable.training.on_trained import SHRINKAGE, head_on
from trainable.training.trial import run_trial, train

CPU = torch.device("cpu")


def frozen(name: str, **changes: Any) -> TrialConfig:
    model = {"backbone": "test_resnet", "pretrained": False, "freeze": "body"}
    head = {"name": name, **changes.pop("head", {})}
    return tiny(model=model, head=head, **{"epochs": 2, **changes})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """30 groups of 4 photos in three shades, which a network of random weights can tell."""
    folder = tmp_path_factory.mktemp("frozen")
    return prepared(generic_data(folder / "data", people=30, each=4), folder / "run", folds=3)


@pytest.mark.parametrize("name", FITTED)
def test_a_head_is_a_complete_trial(run: Run, name: str) -> None:
    trial = completed(run, frozen(name))
    assert trial.state == "complete" and trial.result.oof_score > 0.9
    assert trial.result.epochs_done == 6
    assert len(trial.oof().index) == 120 and (trial.oof().fold == run.folds.fold).all()
    assert trial.oof().probabilities.sum(1) == pytest.approx(np.ones(120), abs=1e-5)
    for fold in trial.folds():
        assert [e["epoch"] for e in fold.epochs()] == [1, 2]
        assert not fold.broken() and len(fold.bodies) == 1
        assert fold.weights.stat().st_size < 200_000  # the body lies in the run once
    assert len({body for t in run.trials() if t.finished for f in t.folds() for body in f.bodies}) == 1


def test_discriminant_is_scikit_learns_in_every_fold(run: Run) -> None:
    trial = completed(run, frozen("lda", head={"shrinkage": 0.3, "calibrate": False}))
    heads = FrozenHeads(run, trial.config, run.folds, device=CPU)
    values, labels = heads.tables[0].rows(np.arange(120), np.float64), run.manifest.labels
    for k in range(3):
        seen, held = run.folds.train_rows(k), run.folds.valid_rows(k)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3).fit(values[seen], labels[seen])
        assert trial.fold(k).validation().probabilities == pytest.approx(model.predict_proba(values[held]), abs=1e-4)


@pytest.mark.parametrize("tta", ["none", "flip"])
def test_network_of_body_and_head_answers_as_the_table(run: Run, tta: str) -> None:
    """What is exported and looked into: the features in 32 bits instead of 16."""
    trial = completed(run, frozen("lda", tta=tta))
    fold, rows = trial.fold(1), run.folds.valid_rows(1)
    model = load_model(trial.config, 3, fold.weights, CPU, fold.bodies)
    stream = Loader(training_batches(trial.config, run.experiment)).predict(rows, BATCH)
    found = predict(model, stream, torch.tensor(fold.result.statistics))
    assert found == pytest.approx(fold.validation().probabilities, abs=0.02)


def test_new_photos_are_predicted_as_validation_rows_are(run: Run) -> None:
    trial = completed(run, frozen("ridge"))
    found = predict_member(Member(trial, 0.0), run.store, 3)
    assert found.shape == (3, 120, 3)
    rows = run.folds.valid_rows(2)
    assert found[2][run.experiment.place[rows]] == pytest.approx(trial.fold(2).validation().probabilities, abs=1e-6)


def test_tables_side_by_side_are_one_row(run: Run) -> None:
    trial = completed(run, frozen("lda", features={"beside": ["test_efficientnet 48x32", "test_resnet 24x24"]}))
    widths = [block.shape[1] for block in FrozenHeads(run, trial.config, run.folds, device=CPU).tables[0].blocks]
    assert len(widths) == 3
    assert load_file(trial.fold(0).weights)["weight"].shape == (3, sum(widths))
    assert predict_member(Member(trial, 0.0), run.store, 3).shape == (3, 120, 3)
    with pytest.raises(InputError, match=r"head lda: received features of 3 networks side by side; allowed here: one"):
        load_model(trial.config, 3, trial.fold(0).weights, CPU, trial.fold(0).bodies)


def test_cut_off_between_folds_it_ends_the_same(run: Run, tmp_path: Path) -> None:
    whole = completed(run, frozen("lda"))
    again = begun(prepared(run.manifest.root, tmp_path / "run", folds=3), frozen("lda"))
    assert train(again, lambda report: report.step < 3, device=CPU) is None
    assert [fold.finished for fold in again.folds()] == [True, False]
    assert len(list(run_trial(again, device=CPU))) == 6
    assert np.array_equal(again.oof().probabilities, whole.oof().probabilities)


@pytest.mark.parametrize("name", FITTED)
def test_a_head_learns_soft_labels_of_its_own_fold(run: Run, tmp_path: Path, name: str) -> None:
    """Shares of fold 1 that say the opposite of all other folds' harm fold 1's head."""
    first = run.experiment
    test = read_test(first.manifest.root, first.manifest.classes)
    assert test is not None
    right = np.eye(3, dtype=np.float32)[np.arange(5) % 3]
    told = np.stack([right, np.roll(right, 1, 1), right], 1)  # [photos, folds, classes]
    made = {}
    for sure in (0.6, 0.9):
        manifest, folds = with_pseudo(first.manifest, first.folds, test, told * sure + (1 - sure) / 3)
        second = Run(tmp_path / f"{sure}")
        experiment = replace(first, manifest=manifest, folds=folds, content="")
        second.begin(experiment, command=["test"], settings={})
        trial = completed(second, frozen(name, head={"calibrate": False}))
        assert trial.state == "complete" and len(trial.oof().index) == 120
        made[sure] = trial.oof()
    plain = completed(run, frozen(name, head={"calibrate": False})).oof()
    rows = plain.fold == 1
    loss = [-np.log(one.probabilities[rows, one.label[rows]]).mean() for one in (plain, made[0.9])]
    assert loss[1] > loss[0]
    differ = np.abs(made[0.9].probabilities - made[0.6].probabilities).max()
    # a bank of neighbours keeps the surest class, and a discriminant of shades is certain of every photo
    assert differ > 1e-4 or name in ("knn", "lda")


def test_one_head_of_all_rows(run: Run) -> None:
    trial = completed(run, frozen("lda"))
    assert [r.fold_done for r in train_on_all_rows(trial, device=CPU)] == [False, True]
    found = predict_member(Member(trial, 0.0).on_all_rows(), run.store, 3)[0]
    assert (found.argmax(1) == run.manifest.labels[np.argsort(run.experiment.place)]).mean() > 0.95


def test_body_that_was_changed_is_named(run: Run, tmp_path: Path) -> None:
    trial = completed(prepared(run.manifest.root, tmp_path / "run", folds=3), frozen("lda"))
    body = trial.fold(0).bodies[0]
    body.write_bytes(body.read_bytes()[:-1] + b"\0")
    assert trial.fold(0).broken() == f"{body}: missing or changed since it was written"


def test_heads_of_attributes_are_multiplied(sample: Path, tmp_path: Path) -> None:
    size = {"store": (64, 48), "size": (64, 48)}
    config = frozen("lda", head={"parts": "attributes", "shrinkage": 0.3}, input=size, rows={"cuts": {"age": [30, 58]}})
    trial = completed(prepared(sample, tmp_path / "run", size=(64, 48)), config)
    table = trial.oof().probabilities.reshape(-1, 3, 2, 3)
    parts = table.sum((2, 3)), table.sum((1, 3)), table.sum((1, 2))
    product = parts[0][:, :, None, None] * parts[1][:, None, :, None] * parts[2][:, None, None, :]
    assert table == pytest.approx(product, abs=1e-5)
    assert load_file(trial.fold(0).weights)["weight"].shape[0] == 8


def test_heads_see_rows_labels_and_weights_as_networks_do(sample: Path, tmp_path: Path) -> None:
    """Corrections, borders moved, rows left out, classes and rows weighed: scikit-learn's on rows repeated by hand."""
    plain = prepared(sample, tmp_path / "plain", size=(64, 48)).experiment
    frame, made_of = plain.manifest.frame, plain.manifest.made_of
    counted = np.random.default_rng(0).integers(0, 4, len(frame))
    images, groups = frame["image"].to_numpy(str), frame["group"].to_numpy(str)
    one, image = groups[(frame["age"] == 40).argmax()], images[(frame["age"] == 54).argmax()]
    lists = tmp_path / "corrections.csv"
    lists.write_text(f"path_or_id,field,value\n{one},gender,male\n{image},drop,\n")
    weighed = frame.assign(sample_weight=counted / 3.0)
    manifest = Manifest(plain.manifest.root, "competition", weighed, plain.manifest.classes, made_of=made_of)
    run = Run(tmp_path / "run")
    run.begin(type(plain)(manifest, plain.folds, plain.store_size, 0, {}), command=[], settings={})
    config = frozen(
        "lda",
        head={"parts": "attributes", "shrinkage": 0.3, "calibrate": False},
        input={"store": (64, 48), "size": (64, 48)},
        rows={"cuts": {"age": [30, 58]}, "drop": {"age": [0, 3]}, "corrections": str(lists)},
        loss={"class_weights": "power", "weight_power": 0.5},
    )
    trial = completed(run, config)
    values = FrozenHeads(run, trial.config, run.folds, device=CPU).tables[0].rows(np.arange(len(frame)), np.float64)
    gender = np.where(groups == one, 0, frame["gender"])
    labels = {"mask": frame["mask"].to_numpy(), "gender": gender, "age": np.digitize(frame["age"], [30, 58])}
    trains = ~frame["age"].between(57, 59).to_numpy() & (images != image)
    for k in range(run.folds.count):
        rows, held = np.flatnonzero(trains & (run.folds.fold != k)), run.folds.valid_rows(k)
        again, parts = np.repeat(rows, counted[rows]), []
        for of_attribute in labels.values():
            share = np.bincount(of_attribute[again]) * np.bincount(of_attribute[rows]) ** -0.5
            model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3, priors=share / share.sum())
            parts.append(model.fit(values[again], of_attribute[again]).predict_proba(values[held]))
        product = np.einsum("na,nb,nc->nabc", *parts).reshape(len(held), -1)
        assert trial.fold(k).validation().probabilities == pytest.approx(product, abs=1e-3)
        assert (trial.fold(k).validation().label == manifest.labels[held]).all()


def test_permuted_labels_score_no_better_than_chance(run: Run, tmp_path: Path) -> None:
    """The whole way of a trial, groups and all: labels are dealt anew to whole groups."""
    frame = run.manifest.frame.copy()
    names = frame["group"].unique()
    dealt = dict(zip(names, np.random.default_rng(0).permutation(frame.groupby("group")["label"].first()), strict=True))
    frame["label"] = frame["group"].map(dealt)
    other = Run(tmp_path / "run")
    experiment = run.experiment
    manifest = Manifest(experiment.manifest.root, "generic", frame, experiment.manifest.classes)
    other.begin(type(experiment)(manifest, experiment.folds, experiment.store_size, 0, {}), command=[], settings={})
    for name in FITTED:
        assert completed(other, frozen(name)).result.accuracies["accuracy"] < 1 / 3 + 3 * np.sqrt(2 / 9 / len(names))


@pytest.mark.parametrize("name", ["lda", "knn"])
def test_a_head_stands_on_the_networks_of_a_finished_trial(run: Run, name: str) -> None:
    below = completed(run, tiny(epochs=2, tta="flip", optim={"lr": 1e-2}))
    config = head_on(below, name)
    trial = completed(run, config)
    assert trial.result.oof_score > 0.9
    assert [fold.bodies[0].stem for fold in trial.folds()] == [fold.result.weights_sha256 for fold in below.folds()]
    found = predict_member(Member(trial, 0.0), run.store, 3)
    for k, fold in enumerate(trial.folds()):
        rows = run.folds.valid_rows(k)
        assert found[k][run.experiment.place[rows]] == pytest.approx(fold.validation().probabilities, abs=1e-6)
    if name == "lda":
        statistics = pixel_statistics("test_resnet", "imagenet", ((), ()))
        network = load_network(below.config, 3, below.fold(1).weights, CPU)
        stream = Loader(training_batches(config, run.experiment)).predict(np.arange(120), BATCH)
        values = torch.cat([features(network, normalise(x, statistics)) for _, x in stream]).numpy()
        seen, held = run.folds.train_rows(1), run.folds.valid_rows(1)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
        wanted = model.fit(values[seen], run.manifest.labels[seen]).predict(values[held])
        assert (trial.fold(1).validation().probabilities.argmax(1) == wanted).mean() > 0.95


def test_a_head_on_no_finished_trial_is_one_line(run: Run) -> None:
    head = completed(run, frozen("lda"))
    with pytest.raises(
        InputError, match=r"features.of: received .*, a head that was fitted \(lda\); allowed: a complete"
    ):
        head_on(head)
    below = completed(run, tiny(epochs=2, tta="flip", optim={"lr": 1e-2}))
    for change, said in (
        ({"features": {"of": "0" * 12}}, "which is not in the run"),
        ({"input": {"store": (32, 32), "size": (24, 24)}}, "whose backbone, input or target is another"),
    ):
        config = TrialConfig.from_dict({**head_on(below).to_dict(), **change})
        with pytest.raises(InputError, match=said):
            next(run_trial(begun(run, config), device=CPU))
    with pytest.raises(InputError, match="has no network of all rows; allowed: --all-rows"):
        next(train_on_all_rows(completed(run, head_on(below)), device=CPU))
    assert below.state == "complete"


WRONG = {
    "weights of two places": (
        {"features": {"of": "0" * 12}, "model": {"backbone": "test_resnet", "freeze": "body"}},
        "allowed: model.pretrained false",
    ),
    "a body that trains": ({"model": {"backbone": "test_resnet", "pretrained": False}}, "allowed: model.freeze body"),
    "statistics of a fold's own": ({"input": {"normalise": "dataset"}}, "allowed: imagenet or backbone"),
    "crops": ({"tta": "crops"}, "allowed: tta none or flip"),
    "an ordinal head": (
        {"target": "age", "head": {"name": "lda", "ordinal": ["age"]}},
        "allowed: head.ordinal of no attribute",
    ),
    "a table in other words": ({"features": {"beside": ["resnet18"]}}, 'a list of "BACKBONE HEIGHTxWIDTH"'),
    "an unknown network": ({"features": {"beside": ["resnet81 32x32"]}}, "unknown backbone 'resnet81'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_go_together_is_one_line(case: str) -> None:
    values = frozen("lda").to_dict()
    change, allowed = WRONG[case]
    with pytest.raises(InputError) as refusal:
        TrialConfig.from_dict({**values, **{k: v for k, v in change.items()}})
    assert allowed in str(refusal.value) and "\n" not in str(refusal.value)


def test_what_training_alone_reads_does_not_count() -> None:
    plain = frozen("lda")
    other = frozen("lda", optim={"lr": 0.1}, sampler={"name": "balanced"}, batch_size=16, keep="soup")
    assert plain.trial_id("f") == other.trial_id("f")
    said = " ".join(other.cautions())
    assert all(f"{name}: " in said for name in ("optim.lr", "sampler.name", "batch_size", "keep"))
    assert frozen("lda", head={"shrinkage": 0.3}).trial_id("f") != plain.trial_id("f")
    assert frozen("knn", head={"shrinkage": 0.3}).trial_id("f") == frozen("knn").trial_id("f")
    beside = frozen("lda", features={"beside": ["test_resnet 24x24"]})
    assert beside.trial_id("f") != plain.trial_id("f")
    assert TrialConfig.from_dict(beside.to_dict()) == beside
