"""A trial's configuration once more, on all rows and without a score."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from helpers import begun, tiny

from trainable.data.folds import Folds
from trainable.run import Run
from trainable.training.all_rows import train_on_all_rows
from trainable.training.checkpoints import Saving

CPU = torch.device("cpu")


def test_one_network_trains_on_every_row() -> None:
    folds = Folds.of_one_network(5)
    assert folds.train_rows(0).tolist() == [0, 1, 2, 3, 4] and len(folds.valid_rows(0)) == 0
    assert not folds.leave_out and Folds(np.array([0, 1], np.int8), np.ones(2, bool), 2).leave_out


def test_a_network_of_all_rows_has_no_score_and_is_taken_up_again(run: Run) -> None:
    trial = begun(run, tiny(keep="best", epochs=3))
    assert len(list(islice(train_on_all_rows(trial, device=CPU, saving=Saving(every=0)), 1))) == 1
    assert trial.all_rows.resume.exists() and not trial.all_rows.finished
    reports = list(train_on_all_rows(trial, device=CPU))
    assert [r.step for r in reports] == [1, 2, 3] and [r.fold_done for r in reports] == [False, False, True]
    assert all(np.isnan(r.score) and not r.decides for r in reports)
    assert np.isnan(trial.all_rows.result.score) and len(trial.all_rows.validation().index) == 0
    assert trial.all_rows.weights.exists() and trial.folds() == [] and not trial.finished
    before = trial.all_rows.weights.stat().st_mtime_ns
    assert len(list(train_on_all_rows(trial, device=CPU))) == 3
    assert trial.all_rows.weights.stat().st_mtime_ns == before, "trained twice"
