"""The run directory: what lies where, what is finished, and what is read back as it was written."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import begun, completed, prepared, refused, tiny

from trainable.errors import InputError
from trainable.run import EnsembleFolder, Run, newest_run, prepare
from trainable.run.folder import SCHEMA
from trainable.train import main as train


def test_all_paths_are_absolute(tmp_path: Path) -> None:
    relative = Path(os.path.relpath(tmp_path))
    run = Run(relative / "run")
    assert run.root.is_absolute()
    assert run.trial("a").fold(3).weights == run.root / "trials" / "a" / "fold_3" / "model.safetensors"


def test_run_is_read_back_as_it_was_begun(generic: Path, tmp_path: Path) -> None:
    experiment = prepare(generic, folds=3, seed=5, store_size=(32, 24), weights={"test_resnet": "/w.safetensors"})
    assert not Run(tmp_path / "run").begun
    Run(tmp_path / "run").begin(experiment, command=["a", "b"], settings={"folds": 3}, space="text")
    run = Run.open(tmp_path / "run")
    again = run.experiment
    pd.testing.assert_frame_equal(again.manifest.frame, experiment.manifest.frame)
    assert (again.folds.fold == experiment.folds.fold).all() and (again.folds.scored == experiment.folds.scored).all()
    assert (again.store_size, again.seed, again.weights, again.skipped, again.pseudo) == (
        (32, 24), 5, {"test_resnet": "/w.safetensors"}, (), None
    )  # fmt: skip
    assert again.folds_fingerprint == experiment.folds_fingerprint == run.info.folds_fingerprint
    assert run.manifest.classes == run.info.classes == ("class0", "class1", "class2")
    assert (run.info.command, run.settings, run.space.read_text()) == (["a", "b"], {"folds": 3}, "text")
    assert np.array_equal(run.store.pixels(), experiment.store.pixels())
    assert run.identify(tiny()) == tiny().trial_id(experiment.folds.fingerprint())


def test_nothing_is_written_before_a_run_begins(generic: Path, tmp_path: Path) -> None:
    prepare(generic, folds=2, seed=0, store_size=(32, 32))
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_hands_on_is_where_the_run_lies(run: Run) -> None:
    """Workers read the run themselves: neither photos nor tables travel with a trial."""
    trial = completed(run, tiny())
    _ = run.store, trial.oof(), trial.result
    sent = pickle.dumps(trial)
    assert len(sent) < 1000
    assert pickle.loads(sent) == trial  # noqa: S301 - made one line above
    assert pickle.loads(sent).result == trial.result  # noqa: S301


def test_folder_that_is_no_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"no run: received {tmp_path}/none; allowed: a run directory, ") as said:
        Run.open(tmp_path / "none")
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("schema", [1, 2, None])
def test_run_of_another_schema_is_refused_in_one_line(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], schema: int | None
) -> None:
    run = prepared(generic, tmp_path / "run")
    file = run.root / "experiment.json"
    values = json.loads(file.read_text())
    values["versions"]["foldvote"] = "0.0.9"
    file.write_text(json.dumps({**values, "schema": schema}))
    with pytest.raises(
        InputError, match=f"written by foldvote 0.0.9.*received schema {schema}; allowed: {SCHEMA}"
    ) as said:
        Run.open(run.root)
    assert "\n" not in str(said.value)
    (tmp_path / "config.json").write_text(json.dumps(tiny().to_dict()))
    line = refused(capfd, train, tmp_path / "config.json", "--data", generic, "--out", run.root, "--folds", 2)
    assert f"received schema {schema}; allowed: {SCHEMA}, so search again" in line


def test_result_json_alone_makes_a_trial_or_fold_finished(tmp_path: Path) -> None:
    trial = Run(tmp_path).trial("a")
    fold = trial.fold(0)
    fold.root.mkdir(parents=True)
    fold.weights.touch()
    trial.oof_file.touch()
    assert not trial.finished
    assert not fold.finished
    (fold.root / "result.json").touch()
    (trial.root / "result.json").touch()
    assert trial.finished
    assert fold.finished


def test_state_of_a_trial_is_what_its_files_say(run: Run) -> None:
    trial = begun(run, tiny())
    assert trial.begun and not run.trial("other").begun
    assert trial.config == tiny() and [t.id for t in run.trials()] == [trial.id]
    assert trial.state == "unfinished"
    trial.error.touch()
    assert trial.state == "failed"
    completed(run, tiny())
    assert trial.state == "complete"


def test_fold_whose_weights_changed_is_broken(run: Run) -> None:
    fold = completed(run, tiny()).fold(1)
    assert fold.broken() == ""
    content = fold.weights.read_bytes()
    fold.weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert fold.broken() == f"{fold.weights}: missing or changed since it was written"
    fold.weights.unlink()
    assert fold.broken() == f"{fold.weights}: missing or changed since it was written"
    (fold.root / "result.json").write_text("{torn")
    assert fold.broken() == f"{fold.root / 'result.json'}: missing or unreadable"


def test_folds_come_in_order_of_their_number(tmp_path: Path) -> None:
    trial = Run(tmp_path).trial("a")
    for k in (10, 2, 0):
        trial.fold(k).root.mkdir(parents=True)
    assert [f.root.name for f in trial.folds()] == ["fold_0", "fold_2", "fold_10"]


def test_leftovers_go_and_predictions_stay(tmp_path: Path) -> None:
    trial = Run(tmp_path).trial("a")
    fold = trial.fold(0)
    fold.root.mkdir(parents=True)
    kept = ("metrics.jsonl", "result.json", "valid.npz")
    for file in (fold.weights, fold.resume, *(fold.root / name for name in kept)):
        file.touch()
    trial.delete_leftovers()
    assert sorted(p.name for p in fold.root.iterdir()) == list(kept)


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
    folder = EnsembleFolder(tmp_path / "auto")
    folder.root.mkdir()
    folder.lock.touch()
    folder.delete_if_empty()
    assert not folder.root.exists()
    folder.parts.mkdir(parents=True)
    folder.delete_if_empty()
    assert folder.parts.exists()


def test_what_a_begin_that_was_cut_off_left_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    assert run.strangers() == []
    run.root.mkdir()
    for name in ("space.py", "manifest.parquet", "folds.parquet", ".experiment.json.17.partial", "lock"):
        (run.root / name).touch()
    assert run.strangers() == []
    (run.root / "notes.txt").touch()
    assert run.strangers() == ["notes.txt"]
    run.forget()
    assert [p.name for p in run.root.iterdir()] == ["notes.txt"]
    (run.root / "notes.txt").unlink()
    run.forget()
    assert not run.root.exists()
