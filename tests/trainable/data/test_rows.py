"""Which rows train with which labels, and that validation never hears of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import people

from trainable.config import RowsConfig, TrialConfig
from trainable.data.attributes import PLAIN
from trainable.data.fits import check_data
from trainable.data.folds import make_folds
from trainable.data.layouts.competition import CLASSES
from trainable.data.manifest import Manifest
from trainable.data.rows import target_classes, target_labels, training_rows
from trainable.data.where import rows_where
from trainable.errors import InputError


def config(**rows) -> TrialConfig:
    return TrialConfig(rows=RowsConfig(**rows))


@pytest.fixture(scope="module")
def made():
    manifest = people()
    return manifest, make_folds(manifest, 4, 0)


@pytest.mark.parametrize("cut", [56, 57, 58, 59, 60])
def test_old_cut_relabels_from_that_age_on(made, cut):
    manifest, folds = made
    found = training_rows(config(cuts={"age": [30, cut]}), manifest, folds, 1)
    old = found.labels[found.rows] % 3 == 2
    assert np.array_equal(old, manifest.frame["age"].to_numpy()[found.rows] >= cut)


@pytest.mark.parametrize("cut", [28, 29, 30])
def test_young_cut_relabels_below_that_age(made, cut):
    manifest, folds = made
    found = training_rows(config(cuts={"age": [cut, 60]}), manifest, folds, 1)
    assert np.array_equal(found.labels[found.rows] % 3 == 0, manifest.frame["age"].to_numpy()[found.rows] < cut)


@pytest.mark.parametrize(
    ("rows", "gone"),
    [
        ({"drop": {"age": [0, 3]}}, {57, 58, 59}),
        ({"drop": {"age": [3, 0]}}, {27, 28, 29}),
        ({"drop": {"age": [1, 2]}}, {29, 58, 59}),
        ({"drop": {"age": [2, 0]}, "drop_side": "both"}, {28, 29, 30, 31}),
        ({"drop": {"age": [0, 2]}, "drop_side": "both"}, {58, 59}),  # 60 stands for everyone older
        ({}, set()),
    ],
)
def test_dropped_ages_do_not_train(made, rows, gone):
    manifest, folds = made
    found = training_rows(config(**rows), manifest, folds, 2)
    ages = manifest.frame["age"].to_numpy()
    assert set(ages[folds.train_rows(2)]) - set(ages[found.rows]) == gone
    kept = ~np.isin(ages[folds.train_rows(2)], list(gone))
    assert np.array_equal(found.rows, folds.train_rows(2)[kept])


def test_validation_rows_and_labels_are_untouched(made, tmp_path):
    manifest, folds = made
    (tmp_path / "c.csv").write_text("path_or_id,field,value\n000003,gender,male\n000004,swap,incorrect_mask normal\n")
    before = manifest.frame.copy()
    valid = [folds.valid_rows(k).copy() for k in range(4)]
    strong = config(cuts={"age": [28, 56]}, drop={"age": [3, 3]}, corrections=str(tmp_path / "c.csv"))
    for k in range(4):
        found = training_rows(strong, manifest, folds, k)
        assert not set(found.rows) & set(valid[k])
        assert np.array_equal(folds.valid_rows(k), valid[k])
    pd.testing.assert_frame_equal(manifest.frame, before)
    assert np.array_equal(target_labels(manifest, "joint"), before["label"])


def test_cuts_that_empty_a_class_are_refused():
    manifest = people((25, 29, 29, 45, 45, 60, 60, 60, 29, 45) * 4)
    manifest.frame.loc[manifest.frame["age"] == 25, "age"] = 29
    folds = make_folds(manifest, 2, 0)
    with pytest.raises(InputError, match="leave no training row of worn male <30"):
        training_rows(config(drop={"age": [1, 0]}), manifest, folds, 0)


def test_target_keeps_one_attribute(made):
    manifest, _ = made
    assert target_classes(manifest, "age") == ("<30", "30-59", ">=60")
    assert np.array_equal(target_labels(manifest, "gender"), manifest.frame["gender"])
    old = rows_where(manifest, "age=>=60", manifest.labels, "test")
    assert np.array_equal(old, manifest.frame["age"] >= 60)


@pytest.mark.parametrize(
    "values",
    [
        {"rows": {"cuts": {"age": [30, 58]}}},
        {"rows": {"drop": {"age": [1, 0]}}},
        {"rows": {"corrections": "core"}},
        {"target": "age"},
        {"head": {"name": "attributes"}},
        {"stage": {"rows": "mask=none"}},
        {"augment": {"hflip": 0.5, "hflip_only": "age=>=60"}},
        {"mix": {"name": "cutmix", "partner": "age=>=60"}},
    ],
)
def test_data_without_attributes_refuse_by_the_column(values):
    frame = people().frame.drop(columns=["mask", "gender", "age"])
    generic = Manifest(Path("nowhere"), "generic", frame, CLASSES)
    check_data(TrialConfig(), generic)
    with pytest.raises(InputError, match=r"the data have no column (age|mask|gender|that classes are made of)"):
        check_data(TrialConfig.from_dict(values), generic)


def test_all_choices_on_generic_data_leave_the_labels(made):
    manifest, folds = made
    generic = replace(
        manifest, frame=manifest.frame.drop(columns=["mask", "gender", "age"]), layout="generic", made_of=PLAIN
    )
    found = training_rows(TrialConfig(), generic, folds, 0)
    assert np.array_equal(found.labels, manifest.labels) and not found.first.any()
