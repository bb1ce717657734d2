"""File names of a run."""

import os
from pathlib import Path

from trainable.run.paths import EnsemblePaths, RunPaths, newest_run


def test_all_paths_are_absolute(tmp_path: Path) -> None:
    relative = Path(os.path.relpath(tmp_path))
    paths = RunPaths(relative / "run")
    assert paths.root.is_absolute()
    assert paths.trial("a").fold(3).weights == paths.root / "trials" / "a" / "fold_3" / "model.safetensors"


def test_result_json_alone_makes_a_trial_or_fold_finished(tmp_path: Path) -> None:
    trial = RunPaths(tmp_path).trial("a")
    fold = trial.fold(0)
    fold.root.mkdir(parents=True)
    fold.weights.touch()
    trial.oof.touch()
    assert not trial.finished
    assert not fold.finished
    fold.result.touch()
    trial.result.touch()
    assert trial.finished
    assert fold.finished


def test_folds_come_in_order_of_their_number(tmp_path: Path) -> None:
    trial = RunPaths(tmp_path).trial("a")
    for k in (10, 2, 0):
        trial.fold(k).root.mkdir(parents=True)
    assert [f.root.name for f in trial.folds()] == ["fold_0", "fold_2", "fold_10"]


def test_leftovers_go_and_predictions_stay(tmp_path: Path) -> None:
    trial = RunPaths(tmp_path).trial("a")
    fold = trial.fold(0)
    fold.root.mkdir(parents=True)
    for file in (fold.weights, fold.resume, fold.valid, fold.metrics, fold.result):
        file.touch()
    trial.delete_leftovers()
    assert sorted(p.name for p in fold.root.iterdir()) == ["metrics.jsonl", "result.json", "valid.npz"]


def test_newest_run_is_the_youngest_with_an_experiment(tmp_path: Path) -> None:
    assert newest_run(tmp_path / "none") is None
    for age, name in enumerate(("new", "old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "experiment.json").touch()
        os.utime(tmp_path / name / "experiment.json", (1000 - age, 1000 - age))
    (tmp_path / "other").mkdir()
    found = newest_run(tmp_path)
    assert found is not None
    assert found.name == "new"


def test_ensemble_folder_with_a_lock_alone_is_removed(tmp_path: Path) -> None:
    paths = EnsemblePaths(tmp_path / "auto")
    paths.root.mkdir()
    paths.lock.touch()
    paths.delete_if_empty()
    assert not paths.root.exists()
    paths.parts.mkdir(parents=True)
    paths.delete_if_empty()
    assert paths.parts.exists()
