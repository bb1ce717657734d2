"""The command that votes, on runs of real networks."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import timm
import torch
from helpers import complete_run, refused
from torch import Tensor, nn

from ensembles.build import main
from ensembles.report import write
from ensembles.vote import as_float32
from trainable.files import write_json
from trainable.metrics import macro_f1
from trainable.run import EnsembleFolder, Run

pytestmark = pytest.mark.slow  # compiling the greedy loop alone takes seconds


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, generic: Path) -> Path:
    folder = tmp_path_factory.mktemp("build") / "run"
    wide = {"input": {"store": (32, 32), "size": (48, 40)}, "augment": {"policy": "strong"}, "epochs": 2}
    return complete_run(generic, folder, learning_rates=(1e-3, 3e-3, 6e-3), **wide)


@pytest.fixture(scope="module")
def built(run: Path) -> EnsembleFolder:
    assert main([str(run), "--name", "first"]) == 0
    return Run(run).ensemble("first")


def test_submission_has_every_test_row_in_order(built: EnsembleFolder, generic: Path) -> None:
    table = pd.read_csv(built.submission)
    assert table["path"].tolist() == pd.read_csv(generic / "test.csv")["path"].tolist()
    assert set(table["prediction"]) <= {"class0", "class1", "class2"}


def test_summary_says_who_voted_and_what_it_is_worth(built: EnsembleFolder, run: Path) -> None:
    summary = built.summary()
    named = {"method", "members", "metric", "oof_score", "nested_score", "nested_std", "best_single"}
    assert named <= set(summary)
    assert sum(m["weight"] for m in summary["members"]) == pytest.approx(1)
    assert all(m["run"] == str(run) for m in summary["members"])
    best = Run(run).trial(summary["best_single"]["trial"])
    score = macro_f1(best.oof().label, best.oof().probabilities.argmax(1), 3)
    assert summary["best_single"]["oof_score"] == score == max(t.result.oof_score for t in Run(run).trials())
    assert summary["metric"] == "macro_f1"
    json.dumps(summary, allow_nan=False)


@pytest.mark.parametrize("method", ["greedy", "log_pool"])
def test_the_vote_is_kept_out_of_fold_and_gives_its_score(run: Path, method: str) -> None:
    assert main([str(run), "--name", method, "--method", method]) == 0
    folder = Run(run).ensemble(method)
    summary, vote = folder.summary(), folder.oof()
    assert vote.probabilities.dtype == np.float32 and vote.probabilities.shape == (24, 3)
    assert vote.probabilities.sum(1) == pytest.approx(1, abs=1e-6)
    assert macro_f1(vote.label, vote.probabilities.argmax(1), 3) == summary["oof_score"]
    assert (vote.label == Run(run).manifest.labels[vote.index]).all()
    if method == "greedy":
        mean = sum(m["weight"] * Run(run).trial(m["trial"]).oof().probabilities for m in summary["members"])
        assert vote.probabilities == pytest.approx(mean, abs=1e-6)


def test_rounding_does_not_change_the_largest_class() -> None:
    scores = np.array([[0.3, 0.3 + 1e-12, 0.4 - 1e-12], [0.25, 0.375, 0.375 + 1e-12], [0.5, 0.5, 0.0]])
    rounded = as_float32(scores)
    assert rounded.argmax(1).tolist() == [2, 2, 0]
    assert rounded == pytest.approx(scores, abs=1e-7)


def test_build_renews_a_report_and_writes_none_where_there_was_none(
    run: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    renewed: list[Path] = []
    monkeypatch.setattr(write, "try_report", renewed.append)
    arguments = [str(run), "--name", "seen", "--method", "best_single"]
    assert main(arguments) == 0 and renewed == []
    monkeypatch.setattr(Run, "report", property(lambda self: Path(__file__)))
    assert main(arguments) == 0 and renewed == [run]


def test_inference_is_at_the_training_size_and_without_augmentation(
    run: Path, built: EnsembleFolder, generic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, Tensor]] = []
    real = timm.create_model

    def create(*arguments: object, **options: object) -> nn.Module:
        model = real(*arguments, **options)
        model.register_forward_pre_hook(lambda m, inputs: seen.append((m.training, inputs[0])))
        return model

    monkeypatch.setattr(timm, "create_model", create)
    assert main([str(run), "--name", "size", "--method", "best_single"]) == 0
    assert {tuple(x.shape) for _, x in seen} == {(5, 3, 48, 40)}
    assert not any(training for training, _ in seen)
    photos = [cv2.imread(str(generic / p))[..., ::-1] for p in pd.read_csv(generic / "test.csv")["path"]]
    resized = np.stack([cv2.resize(p, (40, 48), interpolation=cv2.INTER_LINEAR) for p in photos]) / 255
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = torch.from_numpy((resized - mean) / deviation).permute(0, 3, 1, 2).float()
    for _, inputs in seen:
        torch.testing.assert_close(inputs, expected, rtol=0, atol=0.02)


def test_vote_is_the_mean_of_fold_models_of_the_members(built: EnsembleFolder, run: Path) -> None:
    test, summary = built.test(), built.summary()
    assert test["probabilities"].shape[1:] == (2, 5, 3)
    assert set(m["trial"] for m in summary["members"]) <= {n.split("/")[1] for n in test["members"].tolist()}
    single = EnsembleFolder(run / "ensembles" / "one")
    assert main([str(run), "--name", "one", "--method", "best_single"]) == 0
    kept = single.test()
    mean = kept["probabilities"][int(kept["best_single"])].mean(0)
    assert kept["vote"] == pytest.approx(mean, abs=1e-6)
    names = kept["classes"][mean.argmax(1)].tolist()
    assert pd.read_csv(single.submission)["prediction"].tolist() == names


def test_taken_name_is_numbered_and_nothing_written_over(run: Path, built: EnsembleFolder) -> None:
    before = built.submission.read_bytes(), built.submission.stat().st_mtime_ns
    assert main([str(run), "--name", "first", "--method", "greedy"]) == 0
    assert (built.submission.read_bytes(), built.submission.stat().st_mtime_ns) == before
    assert Run(run).ensemble("first-2").built
    assert not Run(run).ensemble("first-2").parts.exists()


def test_changed_weights_are_refused(generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = complete_run(generic, tmp_path / "run")
    weights = Run(run).trials()[0].fold(1).weights
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert f"{weights}: missing or changed" in refused(capfd, main, run)


def test_single_trial_is_an_ensemble_of_one(generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = complete_run(generic, tmp_path / "run")
    assert main([str(run)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[:2] == [f"reading {run}", f"ensemble {run / 'ensembles' / 'auto'}"]
    assert "test: 5 photos" in lines
    first = Run(run).ensemble("auto")
    told = first.summary()
    write_json(first.summary_file, {**told, "nested_score": told["nested_score"] + 0.1})
    assert main([str(run), "--name", "later"]) == 0
    *_, note, last = capfd.readouterr().out.splitlines()
    assert note.startswith("note: an earlier vote, auto, has a higher nested score, ") and str(first.root) in note
    assert last == f"next: submit {run / 'ensembles' / 'later' / 'submission.csv'}"
    assert lines[-1] == f"next: submit {run / 'ensembles' / 'auto' / 'submission.csv'}"
