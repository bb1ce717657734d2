"""One trial from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import NETWORK, refused, tiny

from trainable.run import Run
from trainable.train import main

NO_RAY = """
import sys
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("ray", "optuna"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from trainable.train import main
raise SystemExit(main())
"""


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(tiny().to_dict()))
    return path


@pytest.mark.slow
def test_one_trial_runs_where_neither_ray_nor_optuna_can_be_imported(
    sample: Path, tmp_path: Path, config_file: Path
) -> None:
    given = [str(config_file), "--data", str(sample), "--out", str(tmp_path / "run"), "--folds", "2", "--threads", "1"]
    done = subprocess.run([sys.executable, "-c", NO_RAY, *given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"run directory {tmp_path / 'run'}"
    assert lines[-1] == f"next: python -m ensembles.build {tmp_path / 'run'}"
    trials = Run.open(tmp_path / "run").trials()
    assert len(trials) == 1
    assert 0 <= trials[0].result.oof_score <= 1


def test_command_takes_up_its_own_run_and_no_other(generic: Path, tmp_path: Path, config_file: Path, capfd) -> None:
    given = [str(config_file), "--data", str(generic), "--out", str(tmp_path / "run"), "--folds", "2"]
    assert main(given) == 0
    assert main(given) == 0
    assert "other rows or folds" in refused(capfd, main, *given[:-1], "3")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    line = refused(capfd, main, config_file, "--data", generic, "--out", tmp_path / "full")
    assert "which holds file; allowed: a new folder or a run" in line
    cut = Run(tmp_path / "full")  # what a begin that was cut off leaves is begun again
    (cut.root / "file").rename(cut.root / "manifest.parquet")
    assert main([str(config_file), "--data", str(generic), "--out", str(cut.root), "--folds", "2"]) == 0
    assert cut.begun


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"epochs": 0}', "trial.epochs: received 0"),
        (b'{"modle": {}}', "unknown configuration key 'modle'; nearest: model"),
        (b"[1]", "allowed: a dict of fields"),
        (b"{epochs", "is no JSON"),
        (b"", "is no JSON"),
        pytest.param(b"\xff\xfe\x00", "is no JSON"),
    ],
)
def test_wrong_configuration_is_refused(generic: Path, tmp_path: Path, capfd, content: bytes, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    line = refused(capfd, main, path, "--data", generic, "--out", tmp_path / "run")
    assert words in line
    assert not (tmp_path / "run").exists()


def test_missing_weights_stop_the_command_at_once(generic: Path, tmp_path: Path, capfd) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model": {**NETWORK, "pretrained": True}}))
    line = refused(capfd, main, path, "--data", generic, "--out", tmp_path / "run", "--weights", tmp_path)
    assert "missing test_resnet.safetensors" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("folds", ["0", "1", "13", "101", "x"])
def test_number_of_folds_is_checked(generic: Path, tmp_path: Path, capfd, config_file: Path, folds: str) -> None:
    line = refused(capfd, main, config_file, "--data", generic, "--out", tmp_path / "run", "--folds", folds)
    assert "folds" in line
    assert not (tmp_path / "run").exists()
