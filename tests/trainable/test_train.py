"""One trial: whole, interrupted, repeated, and from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import NETWORK, prepared, refused, tiny

from trainable.config import TrialConfig
from trainable.files import read_json, read_json_lines, read_npz
from trainable.run.experiment import Experiment, open_experiment
from trainable.run.paths import TrialPaths
from trainable.train import Report, main, run_trial, train

CPU = torch.device("cpu")
TWO_EPOCHS = {"epochs": 2, "augment": {"policy": "strong"}, "sampler": {"name": "weighted"}}


def trial_of(experiment: Experiment, config: TrialConfig) -> TrialPaths:
    return experiment.paths.trial(config.trial_id(experiment.folds.fingerprint()))


def whole(data: Path, run: Path, config: TrialConfig, workers: int = 0) -> dict[str, np.ndarray]:
    experiment = prepared(data, run)
    for _ in run_trial(config, experiment, device=CPU, workers=workers):
        pass
    return read_npz(trial_of(experiment, config).oof)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(one[k].tobytes() == other[k].tobytes() for k in one)


def test_reports_count_epochs_over_all_folds(experiment: Experiment) -> None:
    config = tiny(epochs=2)
    reports = list(run_trial(config, experiment, device=CPU))
    assert [r.step for r in reports] == [1, 2, 3, 4]
    assert [r.fold for r in reports] == [0, 0, 1, 1]
    assert [r.decides for r in reports] == [True, True, False, True]
    assert [r.fold_done for r in reports] == [False, True, False, True]


def test_trial_that_is_stopped_has_no_result(experiment: Experiment) -> None:
    config = tiny(epochs=2)
    heard: list[Report] = []

    def stop(report: Report) -> bool:
        heard.append(report)
        return False

    assert train(config, experiment, stop, device=CPU) is None
    assert len(heard) == 1
    assert not trial_of(experiment, config).finished


def test_oof_table_is_as_documented(experiment: Experiment) -> None:
    result = train(tiny(), experiment, lambda _: True, device=CPU)
    oof = read_npz(trial_of(experiment, tiny()).oof)
    assert result is not None
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
    experiment = prepared(generic, tmp_path / "b")
    reports = run_trial(config, experiment, device=CPU)
    before = [next(reports) for _ in range(killed_after)]
    reports.close()
    fold = trial_of(experiment, config).fold((killed_after - 1) // 2)
    with fold.metrics.open("a") as file:
        file.write('{"epoch": 9, "torn')
    again = open_experiment(tmp_path / "b")
    after = list(run_trial(config, again, device=CPU))
    assert [r.step for r in after] == [1, 2, 3, 4]
    assert [r.score for r in after[:killed_after]] == [r.score for r in before]
    trial = trial_of(again, config)
    assert same(read_npz(trial.oof), undisturbed)
    assert [[m["epoch"] for m in read_json_lines(f.metrics)] for f in trial.folds()] == [[1, 2], [1, 2]]
    assert not list(trial.root.rglob("resume.pt"))
    assert not list(trial.root.rglob("*.partial"))


def test_finished_folds_are_not_trained_again(experiment: Experiment) -> None:
    config = tiny(epochs=2)
    reports = run_trial(config, experiment, device=CPU)
    for _ in range(2):
        next(reports)
    reports.close()
    weights = trial_of(experiment, config).fold(0).weights
    before = weights.stat().st_mtime_ns, weights.read_bytes()
    assert len(list(run_trial(config, experiment, device=CPU))) == 4
    assert (weights.stat().st_mtime_ns, weights.read_bytes()) == before


@pytest.mark.slow
def test_number_of_loader_workers_changes_no_bit(generic: Path, tmp_path: Path) -> None:
    config = tiny(**TWO_EPOCHS)
    assert same(whole(generic, tmp_path / "a", config), whole(generic, tmp_path / "b", config, workers=2))


# --- the command ------------------------------------------------------------------------------------------------

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
    trials = list((tmp_path / "run" / "trials").iterdir())
    assert len(trials) == 1
    assert 0 <= read_json(trials[0] / "result.json")["oof_macro_f1"] <= 1


def test_command_takes_up_its_own_run_and_no_other(generic: Path, tmp_path: Path, config_file: Path, capfd) -> None:
    given = [str(config_file), "--data", str(generic), "--out", str(tmp_path / "run"), "--folds", "2"]
    assert main(given) == 0
    assert main(given) == 0
    assert "other rows or folds" in refused(capfd, main, *given[:-1], "3")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    line = refused(capfd, main, config_file, "--data", generic, "--out", tmp_path / "full")
    assert "holds other files" in line


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
