"""Every recipe trains through at its full structure, made small as `--smoke` makes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
from helpers import competition_data

from search.space import DataFacts, load_space
from trainable.config.smoke import EPOCHS, STORE
from trainable.data.rows import check_data, target_classes
from trainable.experiment import prepare, save_experiment
from trainable.files import read_json, read_npz
from trainable.store import RunPaths
from trainable.train import run_trial

RECIPES = sorted((Path(__file__).parents[2] / "spaces" / "recipes").glob("[a-z]*.py"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return competition_data(tmp_path_factory.mktemp("recipes") / "data", people=24)


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_recipe_trains_all_folds_and_leaves_its_predictions(path: Path, data: Path, tmp_path: Path) -> None:
    file = load_space(path).small()
    search = replace(file.search, folds=min(3, file.search.folds))
    experiment = prepare(data, RunPaths(tmp_path / "run"), folds=search.folds, seed=0, store_size=STORE)
    save_experiment(experiment, ["test"], {})
    facts = DataFacts.of(experiment.manifest)
    study = optuna.create_study()
    study.enqueue_trial(search.first[0])
    config = file.config(study.ask(), facts, search)
    check_data(config, experiment.manifest)
    reports = list(run_trial(config, experiment, device=torch.device("cpu")))
    assert [r.step for r in reports] == list(range(1, search.folds * EPOCHS + 1))
    trial = experiment.paths.trials()[0]
    oof = read_npz(trial.oof)
    classes = target_classes(experiment.manifest, config.target)
    assert oof["probabilities"].shape == (24 * 7, len(classes)) and tuple(oof["classes"]) == classes
    assert np.allclose(oof["probabilities"].sum(1), 1, atol=1e-4)
    assert read_json(trial.result)["oof_macro_f1"] >= 0
