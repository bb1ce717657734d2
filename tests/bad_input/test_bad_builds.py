"""A build of what cannot be built gets one line, and a run is left as it was."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from helpers import competition_data, complete_run, generic_data, listing, prepared, refused
from spoil import edit

from ensembles.build import main as build
from trainable.run import Run


def test_run_without_complete_trials(generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = prepared(generic, tmp_path / "run").root
    before = listing(run)
    assert f"no complete trials: received {run}" in refused(capfd, build, run)
    assert listing(run) == before


def test_build_of_what_is_no_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"no run: received {tmp_path / 'none'}" in refused(capfd, build, tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    assert "no RUN was given, and ./runs holds none" in refused(capfd, build)


def test_without_a_test_set_there_is_a_vote_and_no_submission(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = generic_data(tmp_path / "data")
    pd.read_csv(data / "manifest.csv").drop(columns="group").to_csv(data / "manifest.csv", index=False)
    run = complete_run(data, tmp_path / "run")
    (data / "test.csv").unlink()
    assert build([str(run)]) == 0
    said = capfd.readouterr().out
    assert f"no test photos below {data}: a vote without a submission" in said
    assert "No group column: every photo stands alone" in said
    built = Run(run).ensemble("auto")
    assert built.built and not built.submission.exists()
    shutil.rmtree(data)
    assert f"no data folder: received {data}" in refused(capfd, build, run)


@pytest.mark.parametrize("path", ["../outside.png", "/etc/hostname", "test/none.png"])
def test_test_row_without_a_file_below_the_data(tmp_path: Path, capfd: pytest.CaptureFixture[str], path: str) -> None:
    data = generic_data(tmp_path / "data")
    run = complete_run(data, tmp_path / "run")
    shutil.copy(data / "images/p00_0.png", tmp_path / "outside.png")
    edit(data / "test.csv", path=[path, *pd.read_csv(data / "test.csv")["path"][1:]])
    assert path in refused(capfd, build, run)
    assert not (run / "ensembles").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--name", "../x"), ("--name", ""), ("--size", "0"), ("--method", "greddy")]
)
def test_build_argument_out_of_range(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    line = refused(capfd, build, tmp_path, option, value)
    assert repr(value) in line


def test_test_set_of_other_classes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = complete_run(generic_data(tmp_path / "data"), tmp_path / "run")
    line = refused(capfd, build, run, "--data", competition_data(tmp_path / "other"))
    assert "received one of 18 classes; allowed: 3" in line


@pytest.mark.slow
def test_bad_photos_of_the_test_set_stand_in_the_submission(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = generic_data(tmp_path / "data")
    run = complete_run(data, tmp_path / "run")
    names = pd.read_csv(data / "test.csv")["path"].tolist()
    for name in names[1:3]:
        (data / name).write_bytes((data / name).read_bytes()[:-40])
    assert build([str(run)]) == 0
    said = capfd.readouterr().out
    assert f"warning: 2 of {len(names)} photos cannot be read" in said and all(name in said for name in names[1:3])
    assert pd.read_csv(run / "ensembles" / "auto" / "submission.csv")["path"].tolist() == names
