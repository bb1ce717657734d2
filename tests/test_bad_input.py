"""Wrong input gets one line (what, received, allowed), exit code 2, and nothing is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from helpers import SPACE, competition_data, complete_run, generic_data, listing, prepared, refused, space_file

from ensembles.build import main as build
from search import start
from search.run import main as search
from trainable.run import Run, prepare
from trainable.train import main as train

DAMAGED = "images/p02_0.png (PNG, damaged or cut off), images/p07_1.png (no photo)"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may come as far as a search."""
    monkeypatch.setattr(start, "drive", lambda *_: pytest.fail("the search began"))


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return space_file(tmp_path / "spaces")


@pytest.fixture
def asks(tmp_path: Path, space: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Search a data folder, be refused, and have written nothing; answers the line."""

    def ask(data: Path, *arguments: object, file: Path = space) -> str:
        before = listing(tmp_path)
        line = refused(capfd, search, file, "--data", data, "--out", tmp_path / "runs", *arguments)
        after = {name: content for name, content in listing(tmp_path).items() if "__pycache__" not in name}
        assert after == before
        assert not list((tmp_path / "runs").glob("*"))
        return line

    return ask


def edit(file: Path, /, **columns: object) -> None:
    table = pd.read_csv(file, dtype=str).assign(**columns)
    table.to_csv(file, index=False)


# --- the data folder ----------------------------------------------------------------------------------------------


def test_no_data_folder(tmp_path: Path, asks: Callable[..., str]) -> None:
    line = asks(tmp_path / "none")
    assert f"no data folder: received {tmp_path / 'none'}" in line
    assert "train/train.csv" in line
    assert "manifest.csv" in line


def test_data_folder_that_is_a_file(tmp_path: Path, asks: Callable[..., str]) -> None:
    (tmp_path / "file").touch()
    assert "no data folder" in asks(tmp_path / "file")


def test_neither_layout_shows_both(tmp_path: Path, asks: Callable[..., str]) -> None:
    (tmp_path / "data").mkdir()
    assert "received nothing" in asks(tmp_path / "data")
    (tmp_path / "data" / "cats.txt").touch()
    line = asks(tmp_path / "data")
    assert "received cats.txt" in line
    assert "train/train.csv" in line
    assert "manifest.csv" in line


def test_default_data_folder_that_is_missing_is_named(
    tmp_path: Path, space: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "data") in refused(capfd, search, space)
    monkeypatch.setenv("FOLDVOTE_DATA", str(tmp_path / "elsewhere"))
    assert str(tmp_path / "elsewhere") in refused(capfd, search, space)


@pytest.mark.parametrize("column", ["gender", "age", "path"])
def test_missing_column_of_the_competition(tmp_path: Path, asks: Callable[..., str], column: str) -> None:
    data = competition_data(tmp_path / "data")
    pd.read_csv(data / "train/train.csv").drop(columns=column).to_csv(data / "train/train.csv", index=False)
    assert f"missing column {column}; received 'id, " in asks(data)


@pytest.mark.parametrize("column", ["path", "label"])
def test_missing_column_of_a_manifest(tmp_path: Path, asks: Callable[..., str], column: str) -> None:
    data = generic_data(tmp_path / "data")
    pd.read_csv(data / "manifest.csv").drop(columns=column).to_csv(data / "manifest.csv", index=False)
    assert f"missing column {column}" in asks(data)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b"path,label\r\n", bytes(range(256)) * 50])
def test_table_that_is_empty_or_garbage(tmp_path: Path, asks: Callable[..., str], content: bytes) -> None:
    data = generic_data(tmp_path / "data")
    (data / "manifest.csv").write_bytes(content)
    assert "manifest.csv" in asks(data)


def test_row_whose_folder_is_missing(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = competition_data(tmp_path / "data")
    shutil.rmtree(data / "train/images/000001_female_Asian_45")
    assert "folder 000001_female_Asian_45 of a row not found" in asks(data)


def test_row_whose_file_is_missing(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = competition_data(tmp_path / "data")
    (data / "train/images/000001_female_Asian_45/mask2.jpg").unlink()
    assert "000001_female_Asian_45: mask2 not found" in asks(data)
    other = generic_data(tmp_path / "other")
    (other / "images/p03_1.png").unlink()
    assert "images/p03_1.png not found" in asks(other)


@pytest.mark.parametrize("path", ["../outside.png", "/etc/hostname"])
def test_path_that_escapes_the_data_folder(tmp_path: Path, asks: Callable[..., str], path: str) -> None:
    data = generic_data(tmp_path / "data")
    shutil.copy(data / "images/p00_0.png", tmp_path / "outside.png")
    edit(data / "manifest.csv", path=[path, *pd.read_csv(data / "manifest.csv")["path"][1:]])
    assert f"path {path!r} leaves the data folder" in asks(data)


def test_unknown_gender_and_age_that_is_no_number(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = competition_data(tmp_path / "data")
    edit(data / "train/train.csv", age=["20", "thirty", "20", "20", "20", "20"])
    assert "received age 'thirty'; allowed: a number of years" in asks(data)
    edit(data / "train/train.csv", age="20", gender=["male", "woman"] * 3)
    assert "received gender 'woman'; allowed: male, female" in asks(data)


def test_label_that_is_missing(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = generic_data(tmp_path / "data")
    edit(data / "manifest.csv", label=[""] + ["a", "b"] * 11 + ["a"])
    assert "no label for 'images/p00_0.png'" in asks(data)


def test_rows_that_occur_twice(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = generic_data(tmp_path / "data")
    table = pd.read_csv(data / "manifest.csv")
    pd.concat([table, table.iloc[[3]]]).to_csv(data / "manifest.csv", index=False)
    assert "images/p01_1.png occurs twice" in asks(data)


def test_fewer_groups_than_folds(tmp_path: Path, asks: Callable[..., str]) -> None:
    file = space_file(tmp_path / "spaces", SPACE.replace("folds=2", "folds=13"))
    line = asks(generic_data(tmp_path / "data"), file=file)
    assert "fewer groups than folds: received 12 groups; allowed: at least 13" in line


def test_class_that_a_training_part_lacks_is_a_warning_that_names_it(tmp_path: Path) -> None:
    data = generic_data(tmp_path / "data")
    edit(data / "manifest.csv", label=["rare"] * 2 + ["a", "b"] * 11)
    said: list[str] = []
    prepare(data, folds=3, seed=0, store_size=(16, 16), say=said.append)
    assert len(said) == 1
    assert said[0].startswith("warning: fold ")
    assert said[0].endswith("has no training image of class rare")


# --- photos -------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A folder with one truncated and one unreadable photo."""
    data = generic_data(tmp_path / "damaged")
    path = data / "images/p02_0.png"
    path.write_bytes(path.read_bytes()[:-30])
    (data / "images/p07_1.png").write_bytes(b"no photo")
    return data


def test_all_unreadable_photos_are_listed_in_one_go(damaged: Path, asks: Callable[..., str]) -> None:
    line = asks(damaged)
    assert f"received 2: {DAMAGED}" in line
    assert "--skip-bad-images" in line


def test_skip_bad_images_trains_without_them(damaged: Path, tmp_path: Path) -> None:
    said: list[str] = []
    experiment = prepare(damaged, folds=2, seed=0, store_size=(32, 32), skip_bad_images=True, say=said.append)
    left = experiment.manifest.frame["image"].tolist()
    assert len(left) == len(experiment.folds.fold) == 22
    assert not {"images/p02_0.png", "images/p07_1.png"} & set(left)
    assert said == [f"warning: training without 2 unreadable images: {DAMAGED}"]


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


# --- the space file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def space(", "def spaces(", "received space = None; allowed: def space(trial, data) -> dict"),
        ("SEARCH = ", "SEARCHES = ", "received SEARCH = None; allowed: SEARCH = Search("),
        ("trials=2", "trails=2", "unexpected keyword argument 'trails'"),
        ("folds=2", "folds=1", "search.folds: received 1; allowed: 2 to 100"),
        ("members=1", "rule='fair'", "search.rule: received 'fair'; allowed: paired, none"),
        ('"model"', '"modle"', "unknown configuration key 'modle'; nearest: model"),
        ('"lr": trial', '"rate": trial', "unknown configuration key 'optim.rate'"),
        ('"test_resnet"', '"test_resnets"', "unknown backbone 'test_resnets'; nearest: test_resnet"),
        ("1e-3, 1e-2", "1e-3, 1e2", "optim.lr: received"),
        ('"batch_size": 8', '"batch_size": 1', "batch_size: received 1"),
        ('"batch_size": 8', '"epochs": 8', "epochs=8; allowed: it is set in SEARCH"),
        ('"input": {"size": (32, 32)}', '"input": 3', "received 3; allowed: a dict of fields"),
        ('"input": {"size": (32, 32)}', '"input": {"size": (32,)}', "input.size: received (32,)"),
        ("return {", "return [", "cannot be run: SyntaxError"),
        ("    return {", "    1 / 0\n    return {", "line 8: ZeroDivisionError: division by zero"),
        ("    return {", "    return None\n    return {", "space() returned None; allowed: a dict"),
        ("from search.space", "from serch.space", "No module named 'serch'"),
        ("test_resnet", "test_vit", ""),
        ("members=1", "first=({'rl': 1},)", "received rl=1; allowed: "),
    ],
)
def test_space_file_that_is_wrong(
    generic: Path, tmp_path: Path, asks: Callable[..., str], old: str, new: str, words: str
) -> None:
    assert old in SPACE
    text = SPACE.replace(old, new)
    if not words:  # patches of 16 pixels do not divide 40
        text, words = text.replace('"size": (32, 32)', '"size": (40, 40)'), "backbone test_vit: received size (40, 40)"
    line = asks(generic, file=space_file(tmp_path / "spaces", text))
    assert words in line
    assert "allowed: " in line or "nearest: " in line


def test_space_file_that_is_missing_or_no_python(tmp_path: Path, generic: Path, asks: Callable[..., str]) -> None:
    assert "no space file: received" in asks(generic, file=tmp_path / "none.py")
    (tmp_path / "space.txt").write_text(SPACE)
    assert "allowed: a file that ends in .py" in asks(generic, file=tmp_path / "space.txt")
    (tmp_path / "bytes.py").write_bytes(b"\xff\x00")
    assert "cannot be run" in asks(generic, file=tmp_path / "bytes.py")


def test_missing_pretrained_weights_stop_a_search_and_not_a_dry_run(
    generic: Path, tmp_path: Path, asks: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    file = space_file(tmp_path / "spaces", SPACE.replace('"pretrained": False', '"pretrained": True'))
    line = asks(generic, "--weights", tmp_path, file=file)
    assert "missing test_resnet.safetensors" in line
    given = [str(file), "--data", str(generic), "--out", str(tmp_path / "runs"), "--weights", str(tmp_path)]
    assert search([*given, "--dry-run"]) == 0
    out = capfd.readouterr().out
    assert "warning: pretrained weights cannot be had: missing test_resnet.safetensors" in out
    assert "--dry-run" not in out.splitlines()[-1]
    assert not list((tmp_path / "runs").glob("*"))


# --- arguments and names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--trials", "0"),
        ("--trials", "-3"),
        ("--trials", "many"),
        ("--trials", "²"),
        ("--cpus-per-trial", "0"),
        ("--gpus-per-trial", "nan"),
        ("--gpus-per-trial", "-0.5"),
        ("--name", "../x"),
        ("--name", "/tmp/x"),
        ("--name", ".."),
        ("--name", ""),
    ],
)
def test_argument_out_of_range(generic: Path, asks: Callable[..., str], option: str, value: str) -> None:
    line = asks(generic, option, value)
    assert option in line
    assert repr(value) in line


def test_unknown_argument(generic: Path, asks: Callable[..., str]) -> None:
    assert "--frobnicate" in asks(generic, "--frobnicate")


def test_run_name_that_exists(generic: Path, tmp_path: Path, space: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    (tmp_path / "runs" / "tiny" / "mine.txt").write_text("dear")
    before = listing(tmp_path)
    line = refused(capfd, search, space, "--data", generic, "--out", tmp_path / "runs")
    assert f"received {tmp_path / 'runs' / 'tiny'}, which holds mine.txt; allowed: another --name" in line
    assert listing(tmp_path) == before


def test_resume_of_what_is_no_run(generic: Path, tmp_path: Path, asks: Callable[..., str]) -> None:
    assert f"no run: received {tmp_path / 'runs' / 'tiny'}" in asks(generic, "--resume")


# --- building -----------------------------------------------------------------------------------------------------


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


def test_one_trial_is_as_strict_as_a_search(tmp_path: Path, capfd: pytest.CaptureFixture[str], damaged: Path) -> None:
    (tmp_path / "config.json").write_text('{"model": {"backbone": "test_resnet", "pretrained": false}}')
    given = [tmp_path / "config.json", "--out", tmp_path / "run", "--data"]
    assert f"received 2: {DAMAGED}" in refused(capfd, train, *given, damaged)
    assert "no data folder" in refused(capfd, train, *given, tmp_path / "none")
    assert "no configuration" in refused(capfd, train, tmp_path / "none.json", *given[1:], damaged)
    assert not (tmp_path / "run").exists()
