"""Networks that start from their fold's frozen head, and what keeps them near it; that neither leaks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers import completed, prepared, tiny, write_table
from safetensors.torch import load_file
from techniques import Trained, cut_off, fold_of, merged
from test_frozen import frozen

from trainable.config import TrialConfig
from trainable.config.allowed import relevant
from trainable.data.folds import Folds
from trainable.errors import InputError
from trainable.features.closed import NEVER
from trainable.features.views import probabilities
from trainable.models.fitted import layer_of
from trainable.models.predict import BATCH, predict
from trainable.run import Experiment, Run
from trainable.training.fold import train_fold
from trainable.training.on_trained import head_on
from trainable.training.start import _possible
from trainable.training.state import begin_or_resume

FROM_FROZEN = {"head": {"init": "frozen"}}
BETWEEN = {"model": {"wise_ft": 0.25}}


@pytest.mark.parametrize("head", ["joint", "attributes"])
def test_network_starts_as_the_head_on_its_features(experiment: Experiment, head: str) -> None:
    fold = fold_of(merged(FROM_FROZEN, {"head": {"name": head}}), experiment, f"start of {head}")
    heads = fold.heads
    assert heads is not None
    tensors, _ = heads.fit(0)
    tensors["bias"] = _possible(tensors["bias"])
    rows, layer = fold.validation_rows, layer_of(heads.config.head, tensors, fold.made_of)
    network = begin_or_resume(fold).model
    found = predict(network, fold.loader.predict(rows, BATCH), fold.statistics)
    assert found == pytest.approx(probabilities(layer, heads.tables, rows), abs=0.02)  # 16 bits against 32


def test_head_sees_the_training_rows_alone(experiment: Experiment) -> None:
    """Other labels of fold 0's own rows, of which strengths and scales are chosen too, change nothing."""
    fold = fold_of(merged(FROM_FROZEN), experiment, "labels of its own")
    heads = fold.heads
    assert heads is not None
    before, _ = heads.fit(0)
    frame = experiment.manifest.frame.copy()
    frame.loc[fold.validation_rows, ["mask", "gender", "age", "label"]] = [0, 0, 20.0, 0]
    other = Experiment(type(experiment.manifest)(
        experiment.manifest.root, "competition", frame, experiment.manifest.classes,
        made_of=experiment.manifest.made_of), experiment.folds, experiment.store_size, 0, {})  # fmt: skip
    other.__dict__["store"] = experiment.store
    again = fold_of(merged(FROM_FROZEN), other, "labels of others").heads
    assert again is not None
    for name, value in again.fit(0)[0].items():
        assert torch.equal(value, before[name])


def test_class_without_rows_is_as_rare_as_the_rarest() -> None:
    assert _possible(torch.tensor([0.5, NEVER * 3, -2.0])).tolist() == [0.5, -2.0, -2.0]


def test_weights_lie_between_start_and_end(experiment: Experiment) -> None:
    end = load_file(Trained(merged(FROM_FROZEN), experiment, "end").file)
    found = load_file(Trained(merged(FROM_FROZEN, BETWEEN), experiment, "between").file)
    start = begin_or_resume(fold_of(merged(FROM_FROZEN), experiment, "start")).model.state_dict()
    for name, value in found.items():
        if value.is_floating_point():
            assert torch.allclose(value, 0.75 * start[name] + 0.25 * end[name], atol=1e-6)
        else:
            assert torch.equal(value, end[name])


def test_cut_off_it_ends_the_same_to_the_bit(experiment: Experiment) -> None:
    config = merged(FROM_FROZEN, BETWEEN, {"optim": {"ema": 0.9}})
    whole = Trained(config, experiment, "whole")
    fold = cut_off(config, experiment, 1, "cut off")
    assert fold.files.resume.exists()
    list(train_fold(fold))
    assert fold.files.result.weights_sha256 == whole.weights
    assert np.array_equal(fold.files.validation().probabilities, whole.valid.probabilities)


def test_statistics_that_are_kept_do_not_move(experiment: Experiment) -> None:
    start = begin_or_resume(fold_of(merged(), experiment, "statistics")).model.state_dict()
    moved = load_file(Trained(merged(), experiment, "moved").file)
    kept = load_file(Trained(merged({"model": {"batch_norm": "kept"}}), experiment, "kept").file)
    for name, value in start.items():
        if "running" in name:
            assert torch.equal(kept[name], value) and not torch.equal(moved[name], value)
    trained = [name for name, value in start.items() if not torch.equal(kept[name], value)]
    assert any("conv" in name for name in trained)


WRONG = {
    "statistics of a fold's own": ({"input": {"normalise": "dataset"}, **FROM_FROZEN}, "allowed: imagenet or backbone"),
    "an ordinal head": ({"target": "age", "head": {"init": "frozen", "ordinal": ["age"]}}, "head.ordinal of no"),
    "two choices of what is kept": ({**BETWEEN, "keep": "soup"}, "allowed: keep last"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_go_together_is_one_line(case: str) -> None:
    change, allowed = WRONG[case]
    with pytest.raises(InputError, match=allowed):
        merged(change)


def test_ids_of_before_stay() -> None:
    plain = tiny()
    values = plain.to_dict()
    for section, name in (("head", "init"), ("model", "batch_norm"), ("model", "wise_ft")):
        del values[section][name]
    assert TrialConfig.from_dict(values).trial_id("f") == plain.trial_id("f")
    assert "init" not in relevant(plain)["head"] and not {"batch_norm", "wise_ft"} & set(relevant(plain)["model"])
    others = [tiny(head={"init": "frozen"}), tiny(model={**values["model"], "batch_norm": "kept"})]
    assert len({plain.trial_id("f"), *(other.trial_id("f") for other in others)}) == 3


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """40 groups of 3 photos, each group with a pattern of its own and a label that nothing in it tells."""
    root, rng, rows = tmp_path_factory.mktemp("remembered"), np.random.default_rng(0), []
    dealt = rng.permutation(np.arange(40) % 3)
    for group in range(40):
        pattern = rng.integers(0, 256, (4, 4, 3)).repeat(8, 0).repeat(8, 1)
        for photo in range(3):
            name = f"g{group:02}_{photo}.png"
            noise = rng.integers(-10, 11, pattern.shape)
            cv2.imwrite(str(root / name), np.clip(pattern + noise, 0, 255).astype(np.uint8))
            rows.append((name, f"class{dealt[group]}", f"g{group:02}"))
    write_table(root / "manifest.csv", ("path", "label", "group"), rows)
    return prepared(root, root / "run", folds=3)


CHANCE = 1 / 3 + 3 * np.sqrt(2 / 9 / 40)  # of the share of groups that are right, three deviations above it


@pytest.mark.parametrize("name", ["lda", "joint", "lda on joint"])
def test_what_only_the_memory_of_a_group_tells_is_chance(remembered: Run, name: str) -> None:
    """Trained from the frozen head, too, and on what is trained; and the photos of a group tell each other's labels."""
    config = frozen(name) if name == "lda" else tiny(head={"init": "frozen"}, epochs=2)
    if name == "lda on joint":
        config = head_on(completed(remembered, config))
    trial = completed(remembered, config)
    assert trial.result.accuracies["accuracy"] < CHANCE
    if name == "lda":
        torn = Folds(np.tile(np.arange(3, dtype=np.int8), 40), np.ones(120, bool), 3)
        other = Run(remembered.root.parent / "torn")
        e = remembered.experiment
        other.begin(Experiment(e.manifest, torn, e.store_size, 0, {}), command=[], settings={})
        assert completed(other, config).result.accuracies["accuracy"] > 0.9


def test_permuted_labels_train_to_no_better_than_chance(tmp_path: Path, remembered: Run) -> None:
    """Labels dealt anew to photos, whatever their group."""
    e = remembered.experiment
    frame = e.manifest.frame.assign(label=np.random.default_rng(1).permutation(e.manifest.labels))
    run = Run(tmp_path / "run")
    manifest = type(e.manifest)(e.manifest.root, "generic", frame, e.manifest.classes)
    run.begin(Experiment(manifest, e.folds, e.store_size, 0, {}), command=[], settings={})
    found = completed(run, tiny(head={"init": "frozen"}, epochs=2)).result.accuracies["accuracy"]
    assert found < 1 / 3 + 3 * np.sqrt(2 / 9 / 120)
