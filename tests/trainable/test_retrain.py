"""Trials once more: with other seeds, and on all rows without a score."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from helpers import tiny

from trainable.data.folds import Folds
from trainable.errors import InputError
from trainable.files import read_json, read_npz
from trainable.run.experiment import Experiment
from trainable.training.all_rows import other_seeds, train_on_all_rows

CPU = torch.device("cpu")


def test_other_seeds_are_other_trials_of_the_same_run() -> None:
    config = tiny(seed=3)
    found = other_seeds(config, 3)
    assert [c.seed for c in found] == [4, 5, 6]
    assert len({c.trial_id("f") for c in (config, *found)}) == 4
    assert all(replace(c, seed=3) == config for c in found)
    with pytest.raises(InputError, match="--seeds: received 0; allowed: 1 or more"):
        other_seeds(config, 0)


def test_one_network_trains_on_every_row() -> None:
    folds = Folds.of_one_network(5)
    assert folds.train_rows(0).tolist() == [0, 1, 2, 3, 4] and len(folds.valid_rows(0)) == 0
    assert not folds.leave_out and Folds(np.array([0, 1], np.int8), np.ones(2, bool), 2).leave_out


def test_a_network_of_all_rows_has_no_score_and_is_taken_up_again(experiment: Experiment) -> None:
    config = tiny(keep="best", epochs=3)
    trial = experiment.paths.trial(config.trial_id(experiment.folds.fingerprint()))
    assert len(list(islice(train_on_all_rows(config, experiment, device=CPU), 1))) == 1
    assert trial.all_rows.resume.exists() and not trial.all_rows.finished
    reports = list(train_on_all_rows(config, experiment, device=CPU))
    assert [r.step for r in reports] == [1, 2, 3] and [r.fold_done for r in reports] == [False, False, True]
    assert all(np.isnan(r.score) and not r.decides for r in reports)
    assert read_json(trial.all_rows.result)["macro_f1"] is None and len(read_npz(trial.all_rows.valid)["index"]) == 0
    assert trial.all_rows.weights.exists() and trial.folds() == [] and not trial.finished
    before = trial.all_rows.weights.stat().st_mtime_ns
    assert len(list(train_on_all_rows(config, experiment, device=CPU))) == 3
    assert trial.all_rows.weights.stat().st_mtime_ns == before, "trained twice"
