"""Files that a trial reads from outside: the run has copies, so what becomes of the originals changes nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import begun, completed, prepared, refused, tiny

from trainable.config import TrialConfig
from trainable.files import digest
from trainable.run import Run
from trainable.train import main as train
from trainable.training.checkpoints import Saving
from trainable.training.trial import run_trial

CPU = torch.device("cpu")
# Photos of two groups that become those of the class beside.
LINES = "path_or_id,field,value\np00,label,class1\np05,label,class0\n"


@pytest.fixture
def corrections(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "corrections.csv"
    path.write_text(LINES)
    return path


def corrected(path: Path) -> TrialConfig:
    return tiny(epochs=2, rows={"corrections": str(path)})


def test_the_run_holds_a_copy_by_content(run: Run, corrections: Path) -> None:
    trial = begun(run, corrected(corrections))
    name = hashlib.sha256(corrections.read_bytes()).hexdigest()
    copy = run.root / "inputs" / f"{name}.csv"
    assert copy.read_bytes() == corrections.read_bytes()
    assert json.loads((trial.root / "config.json").read_text())["rows"]["corrections"] == f"sha256:{name}"
    assert trial.config.rows.corrections == str(copy)
    assert run.identify(trial.config) == run.identify(corrected(corrections)) == trial.id
    begun(run, tiny(epochs=1, rows={"corrections": str(copy)}))  # a second trial on the same file
    assert list((run.root / "inputs").glob("*.csv")) == [copy]


@pytest.mark.parametrize("named", ["none", "core"])
def test_what_is_built_in_is_not_copied(run: Run, named: str) -> None:
    trial = begun(run, tiny(rows={"corrections": named}))
    assert not (run.root / "inputs").exists()
    assert run.trial(trial.id).config.rows.corrections == named


def edit(path: Path) -> None:
    path.write_text("path_or_id,field,value\np01,label,class2\n")


def move(path: Path) -> None:
    path.rename(path.with_name("moved.csv"))


@pytest.mark.parametrize("harm", [edit, move, Path.unlink], ids=["edited", "moved", "deleted"])
def test_trial_goes_on_as_it_began_whatever_becomes_of_the_file(
    generic: Path, tmp_path: Path, corrections: Path, harm: Callable[[Path], object]
) -> None:
    undisturbed = completed(prepared(generic, tmp_path / "a"), corrected(corrections))
    plain = completed(prepared(generic, tmp_path / "plain"), tiny(epochs=2))
    assert digest(plain.oof_file) != digest(undisturbed.oof_file), "corrections that change nothing show nothing"
    trial = begun(prepared(generic, tmp_path / "b"), corrected(corrections))
    assert len(list(islice(run_trial(trial, device=CPU, saving=Saving(every=0)), 1))) == 1
    harm(corrections)
    again = Run.open(tmp_path / "b")
    (resumed,) = again.trials()
    list(run_trial(resumed, device=CPU))
    assert resumed.id == again.identify(resumed.config) == undisturbed.id
    assert resumed.result.oof_score == undisturbed.result.oof_score
    assert digest(resumed.oof_file) == digest(undisturbed.oof_file)


def test_a_run_that_moves_takes_the_file_along(generic: Path, tmp_path: Path, corrections: Path) -> None:
    undisturbed = completed(prepared(generic, tmp_path / "a"), corrected(corrections))
    trial = begun(prepared(generic, tmp_path / "b"), corrected(corrections))
    assert len(list(islice(run_trial(trial, device=CPU, saving=Saving(every=0)), 3))) == 3
    corrections.unlink()
    shutil.move(tmp_path / "b", tmp_path / "elsewhere")
    run = Run.open(tmp_path / "elsewhere")
    (moved,) = run.trials()
    assert Path(moved.config.rows.corrections).parent == run.root / "inputs"
    list(run_trial(moved, device=CPU))
    assert moved.id == run.identify(moved.config) == undisturbed.id
    assert digest(moved.oof_file) == digest(undisturbed.oof_file)
    assert np.array_equal(moved.oof().label, run.manifest.labels), "scored by the labels as they were given"


def test_command_begins_another_trial_on_an_edited_file(
    generic: Path, tmp_path: Path, corrections: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config, run = tmp_path / "config.json", tmp_path / "run"
    config.write_text(json.dumps(corrected(corrections).to_dict()))
    given = [str(config), "--data", str(generic), "--out", str(run), "--folds", "2"]
    assert train(given) == 0
    edit(corrections)
    assert train(given) == 0
    ids = {t.id: t.finished for t in Run.open(run).trials()}
    assert len(ids) == 2 and all(ids.values())
    corrections.unlink()
    assert "rows.corrections: received" in refused(capfd, train, *given)
