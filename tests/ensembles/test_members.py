"""Complete trials as one array, and runs that do not go together."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import complete_run, generic_data, prepared

from ensembles.members import load_members
from trainable.errors import InputError
from trainable.metrics import macro_f1
from trainable.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, generic: Path) -> Path:
    return complete_run(generic, tmp_path_factory.mktemp("members") / "run", learning_rates=(1e-3, 3e-3))


def test_members_are_the_complete_trials(run: Path) -> None:
    members = load_members([run])
    trials = Run(run).trials()
    assert [m.trial.root for m in members.members] == [t.root for t in trials]
    assert members.probabilities.shape == (2, 24, 3)
    for member, table, trial in zip(members.members, members.probabilities, trials, strict=True):
        oof = trial.oof()
        assert (table == oof.probabilities).all()
        assert member.oof_score == macro_f1(oof.label, table.argmax(1), 3) == trial.result.oof_score
        assert member.name == f"run/{trial.id}"
    assert members.classes == ("class0", "class1", "class2")
    assert len(np.unique(members.groups)) == 12
    assert not members.attributes


def test_trials_of_several_runs_stand_together(run: Path, generic: Path, tmp_path: Path) -> None:
    other = complete_run(generic, tmp_path / "other")
    assert len(load_members([run, other]).members) == 3


def test_trial_without_a_result_is_no_member(generic: Path, tmp_path: Path) -> None:
    run = complete_run(generic, tmp_path / "run", learning_rates=(1e-3, 3e-3))
    Run(run).trials()[0]._result.unlink()
    assert len(load_members([run]).members) == 1


def test_trial_that_diverged_at_its_end_is_no_member(generic: Path, tmp_path: Path) -> None:
    run = complete_run(generic, tmp_path / "run", learning_rates=(1e-3, 3e-3))
    trial = Run(run).trials()[0]
    oof = trial.oof()
    diverged = replace(oof, probabilities=np.full_like(oof.probabilities, np.nan))
    trial.finish(diverged, replace(trial.result, oof_score=math.nan))
    assert len(load_members([run]).members) == 1


def test_runs_on_other_data_do_not_go_together(run: Path, tmp_path: Path) -> None:
    other = complete_run(generic_data(tmp_path / "data", people=9), tmp_path / "other")
    with pytest.raises(InputError, match=f"runs differ in data_fingerprint: received {run} and {other}"):
        load_members([run, other])


def test_runs_whose_photos_hold_something_else_do_not_go_together(generic: Path, tmp_path: Path) -> None:
    """Of the same names and sizes, so that only what was decoded tells."""
    runs = {}
    for name in ("one", "moved", "inverted"):
        data = Path(shutil.copytree(generic, tmp_path / name / "data"))
        photo = min((data / "images").glob("*.png"))
        pixels = cv2.imread(str(photo))
        assert pixels is not None
        cv2.imwrite(str(photo), 255 - pixels if name == "inverted" else pixels, [cv2.IMWRITE_PNG_COMPRESSION, 0])
        runs[name] = complete_run(data, tmp_path / name / "run")
    with pytest.raises(InputError, match=r"what their photos hold: received .*/one/run and .*/inverted/run"):
        load_members([runs["one"], runs["inverted"]])
    assert len(load_members([runs["one"], runs["moved"]]).members) >= 2


def test_runs_on_other_folds_do_not_go_together(run: Path, generic: Path, tmp_path: Path) -> None:
    other = prepared(generic, tmp_path / "other", folds=3).root
    with pytest.raises(InputError, match="runs differ in folds_fingerprint"):
        load_members([run, other])


def test_tables_of_other_rows_are_refused(generic: Path, tmp_path: Path) -> None:
    run = complete_run(generic, tmp_path / "run", learning_rates=(1e-3, 3e-3))
    trial = Run(run).trials()[1]
    trial.finish(replace(trial.oof(), label=trial.oof().label[::-1]), trial.result)
    with pytest.raises(InputError, match="its rows or labels differ"):
        load_members([run])
