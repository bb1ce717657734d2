"""Label noise: corrections that drop rows, and weights of rows; both act in training alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import completed, generic_data, people, prepared, tiny

from trainable.config import RowsConfig, TrialConfig
from trainable.data.corrections import correct
from trainable.data.fits import check_data
from trainable.data.flags import Flags
from trainable.data.folds import make_folds
from trainable.data.layouts import read_manifest
from trainable.data.rows import training_rows
from trainable.errors import InputError


def weighted(root: Path, weights: list[str], header: str = "sample_weight") -> Path:
    """`generic_data` with a weight in every row."""
    lines = (generic_data(root) / "manifest.csv").read_text().splitlines()
    rows = [f"{line},{weights[i % len(weights)]}" for i, line in enumerate(lines[1:])]
    (root / "manifest.csv").write_text("\n".join([f"{lines[0]},{header}", *rows]) + "\n")
    return root


def test_dropped_rows_do_not_train_and_are_scored(tmp_path):
    manifest = people((25, 45, 60) * 8)
    folds = make_folds(manifest, 2, 0)
    group = manifest.frame["group"][0]
    one = int(np.flatnonzero(manifest.frame["image"] == "000001/3.jpg")[0])
    other = 1 - int(folds.fold[one])  # where it trains
    file = tmp_path / "c.csv"
    file.write_text(f"path_or_id,field,value,fold\n{group},drop,,\n000001/3.jpg,drop,,{other}\n")
    config = TrialConfig(rows=RowsConfig(corrections=str(file)))
    check_data(config, manifest)
    gone = set(np.flatnonzero(manifest.frame["group"] == group))
    for k in range(2):
        left = set(folds.train_rows(k)) - set(training_rows(config, manifest, folds, k).rows)
        assert left == (gone | ({one} if k == other else set())) & set(folds.train_rows(k))
    assert set(np.concatenate([folds.valid_rows(k) for k in range(2)])) >= gone
    assert correct(manifest, str(file)).equals(manifest.frame)
    for line, words in (("000001/3.jpg,drop,1", "received drop '1'; allowed: no value"), ("nobody,drop,", "no row")):
        file.write_text(f"path_or_id,field,value\n{line}\n")
        with pytest.raises(InputError, match=words):
            check_data(config, manifest)


def test_weights_are_a_column_and_count_one_on_average(tmp_path):
    manifest = read_manifest(weighted(tmp_path / "a", ["2", "", "0.5"], " Sample_Weight"), Flags())
    assert manifest.frame["sample_weight"].tolist()[:3] == [2.0, 1.0, 0.5]
    folds = make_folds(manifest, 2, 0)
    for k in range(2):
        found = training_rows(tiny(), manifest, folds, k)
        assert found.weights is not None and found.weights[found.rows].mean() == pytest.approx(1)
        assert found.weights[0] / found.weights[2] == pytest.approx(4)
    assert training_rows(tiny(), people(), make_folds(people(), 2, 0), 0).weights is None


@pytest.mark.parametrize(
    ("table", "flags"),
    [
        ("train.csv", {"group": "group"}),  # every layout but manifest.csv ended in a traceback
        ("train.csv", {"label": "sort,site"}),
        ("train.csv", {"id": "group", "image": "path"}),
        ("images/metadata.csv", {}),
    ],
)
def test_weights_are_a_column_in_every_layout(tmp_path, table, flags):
    weighted(tmp_path, ["2", "", "0.5"], "Sample_Weight ")
    text = (tmp_path / "manifest.csv").read_text().replace("path,", "file_name," if "metadata" in table else "path,")
    if "label" in flags:
        text = text.replace("label,group", "sort,site", 1)
    (tmp_path / table).write_text(text.replace("images/", "" if "metadata" in table else "images/"))
    for other in ("manifest.csv", "test.csv"):
        (tmp_path / other).unlink()
    manifest = read_manifest(tmp_path, Flags(**flags))
    assert manifest.frame["sample_weight"].tolist()[:3] == [2.0, 1.0, 0.5]


def test_a_header_near_that_of_weights_is_said(tmp_path):
    said = read_manifest(weighted(tmp_path, ["1"], "sample weight"), Flags()).taken.lines
    assert "warning: column sample weight is nearly sample_weight, and counts for nothing" in said


@pytest.mark.parametrize("cell", ["-1", "much", "inf", "nan"])
def test_bad_weights_have_their_sentence(tmp_path, cell):
    with pytest.raises(InputError, match=r"sample_weight: received .* allowed: numbers of 0 or more"):
        read_manifest(weighted(tmp_path, ["1", cell]), Flags())


@pytest.mark.parametrize("mix", [{}, {"name": "cutmix", "p": 1.0}])
def test_weights_change_what_is_learnt_and_not_what_is_scored(tmp_path, mix):
    runs = [prepared(weighted(tmp_path / f"d{i}", w), tmp_path / f"r{i}") for i, w in enumerate((["1"], ["3", "0.2"]))]
    alike, other = (completed(run, tiny(mix=mix)).oof() for run in runs)
    assert np.isfinite(other.probabilities).all() and (alike.label == other.label).all()
    assert not np.allclose(alike.probabilities, other.probabilities)
    plain = completed(prepared(generic_data(tmp_path / "plain"), tmp_path / "run"), tiny(mix=mix)).oof()
    assert np.allclose(plain.probabilities, alike.probabilities, atol=1e-4)  # all alike is as none at all
