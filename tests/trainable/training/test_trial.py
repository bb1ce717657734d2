"""One trial: whole, interrupted, repeated."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import begun, completed, prepared, tiny

from trainable.config import TrialConfig
from trainable.files import read_npz
from trainable.run import Predictions, Run
from trainable.training.checkpoints import Saving
from trainable.training.report import Report
from trainable.training.trial import run_trial, train

CPU = torch.device("cpu")
TWO_EPOCHS = {"epochs": 2, "augment": {"policy": "strong"}, "sampler": {"name": "weighted"}}


def whole(data: Path, root: Path, config: TrialConfig, workers: int = 0) -> Predictions:
    trial = begun(prepared(data, root), config)
    list(run_trial(trial, device=CPU, workers=workers))
    return trial.oof()


def same(one: Predictions, other: Predictions) -> bool:
    """The tables to the bit."""
    tables = ("index", "probabilities", "label", "fold")
    return one.classes == other.classes and all(
        np.array_equal(getattr(one, t), getattr(other, t)) and getattr(one, t).dtype == getattr(other, t).dtype
        for t in tables
    )


def test_reports_count_epochs_over_all_folds(run: Run) -> None:
    reports = list(run_trial(begun(run, tiny(epochs=2)), device=CPU))
    assert [r.step for r in reports] == [1, 2, 3, 4]
    assert [r.fold for r in reports] == [0, 0, 1, 1]
    assert [r.decides for r in reports] == [True, True, False, True]
    assert [r.fold_done for r in reports] == [False, True, False, True]


def test_trial_that_is_stopped_has_no_result(run: Run) -> None:
    trial = begun(run, tiny(epochs=2))
    heard: list[Report] = []

    def stop(report: Report) -> bool:
        heard.append(report)
        return False

    assert train(trial, stop, device=CPU) is None
    assert len(heard) == 1
    assert not trial.finished and trial.state == "unfinished"


def test_oof_table_is_as_documented(run: Run) -> None:
    oof = read_npz(completed(run, tiny()).oof_file)
    assert sorted(oof) == ["classes", "fold", "index", "label", "probabilities"]
    assert {k: v.dtype.str for k, v in oof.items() if k != "classes"} == {
        "index": "<i8",
        "probabilities": "<f4",
        "label": "<i8",
        "fold": "|i1",
    }
    assert oof["classes"].tolist() == ["class0", "class1", "class2"]
    assert oof["probabilities"].sum(1) == pytest.approx(1, abs=1e-5)


def test_same_seed_gives_the_same_predictions_to_the_bit(generic: Path, tmp_path: Path) -> None:
    config = tiny(**TWO_EPOCHS)
    first = whole(generic, tmp_path / "a", config)
    assert same(first, whole(generic, tmp_path / "b", config))
    assert not same(first, whole(generic, tmp_path / "c", tiny(**TWO_EPOCHS, seed=1)))


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_trial_that_was_killed_ends_as_if_nothing_had_happened(
    generic: Path, tmp_path: Path, killed_after: int
) -> None:
    config = tiny(**TWO_EPOCHS)
    undisturbed = whole(generic, tmp_path / "a", config)
    trial = begun(prepared(generic, tmp_path / "b"), config)
    reports = run_trial(trial, device=CPU, saving=Saving(every=0))
    before = [next(reports) for _ in range(killed_after)]
    reports.close()
    with (trial.fold((killed_after - 1) // 2).root / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 9, "torn')
    again = Run.open(tmp_path / "b").trial(trial.id)
    after = list(run_trial(again, device=CPU))
    assert [r.step for r in after] == [1, 2, 3, 4]
    assert [r.score for r in after[:killed_after]] == [r.score for r in before]
    assert same(again.oof(), undisturbed)
    assert [[m["epoch"] for m in f.epochs()] for f in again.folds()] == [[1, 2], [1, 2]]
    assert not list(again.root.rglob("resume.pt"))
    assert not list(again.root.rglob("*.partial"))


def test_finished_folds_are_not_trained_again(run: Run) -> None:
    trial = begun(run, tiny(epochs=2))
    reports = run_trial(trial, device=CPU)
    for _ in range(2):
        next(reports)
    reports.close()
    weights = trial.fold(0).weights
    before = weights.stat().st_mtime_ns, weights.read_bytes()
    assert len(list(run_trial(trial, device=CPU))) == 4
    assert (weights.stat().st_mtime_ns, weights.read_bytes()) == before


@pytest.mark.slow
def test_number_of_loader_workers_changes_no_bit(generic: Path, tmp_path: Path) -> None:
    config = tiny(**TWO_EPOCHS)
    assert same(whole(generic, tmp_path / "a", config), whole(generic, tmp_path / "b", config, workers=2))
