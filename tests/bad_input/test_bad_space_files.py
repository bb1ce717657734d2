"""A space file or an argument that is wrong gets one line, exit code 2, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import SPACE, listing, refused, space_file

from search.run import main as search


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


def test_missing_pretrained_weights_stop_a_search_and_a_dry_run_after_its_plan(
    generic: Path, tmp_path: Path, asks: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    file = space_file(tmp_path / "spaces", SPACE.replace('"pretrained": False', '"pretrained": True'))
    line = asks(generic, "--weights", tmp_path, file=file)
    assert "missing test_resnet.safetensors" in line
    given = [str(file), "--data", str(generic), "--out", str(tmp_path / "runs"), "--weights", str(tmp_path)]
    assert search([*given, "--dry-run"]) == 1
    out = capfd.readouterr().out
    assert "warning: pretrained weights cannot be had: missing test_resnet.safetensors" in out
    assert "--dry-run" not in out.splitlines()[-1]
    assert not list((tmp_path / "runs").glob("*"))


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
    assert f"received {tmp_path / 'runs' / 'tiny'}, where no search has begun" in asks(generic, "--resume")
