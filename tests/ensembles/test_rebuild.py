"""Builds that are interrupted, that meet broken members, and that multiply runs of single attributes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import complete_run, prepared, refused

from ensembles import predict_members as testing
from ensembles.build import main
from ensembles.members import load_members, multiply
from ensembles.submissions import read_ledger
from trainable.data.labels import ATTRIBUTES, CLASSES, decode
from trainable.files import read_json, read_npz, write_json, write_npz
from trainable.metrics import macro_f1
from trainable.run.paths import RunPaths

pytestmark = pytest.mark.slow  # compiling the greedy loop alone takes seconds


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, generic: Path) -> Path:
    return complete_run(generic, tmp_path_factory.mktemp("rebuild") / "run", learning_rates=(1e-3, 3e-3, 6e-3))


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(trained, tmp_path / "runs" / "run"))


@pytest.fixture
def predicted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The trials whose members were predicted; the second raises KeyboardInterrupt while the list holds "stop"."""
    seen: list[str] = []
    real = testing.predict_member

    def watched(config, folds, *arguments, **options):
        if "stop" in seen and len(seen) > 1:
            raise KeyboardInterrupt
        seen.append(folds[0].root.parent.name)
        return real(config, folds, *arguments, **options)

    monkeypatch.setattr(testing, "predict_member", watched)
    yield seen


def test_interrupted_build_keeps_finished_members(run: Path, predicted: list[str]) -> None:
    arguments = [str(run), "--name", "e", "--method", "mean_top5"]
    predicted.append("stop")
    assert main(arguments) == 130
    paths = RunPaths(run).ensemble("e")
    assert len(list(paths.parts.glob("*.npz"))) == 1
    assert not paths.summary.exists() and not paths.submission.exists()
    predicted.remove("stop")
    assert main(arguments) == 0
    assert sorted(predicted) == sorted(t.root.name for t in RunPaths(run).trials())  # each once
    assert not paths.parts.exists()
    assert main([str(run), "--name", "f", "--method", "mean_top5"]) == 0
    assert (read_npz(paths.test)["vote"] == read_npz(RunPaths(run).ensemble("f").test)["vote"]).all()


def test_every_build_is_noted_in_the_ledger(run: Path) -> None:
    assert main([str(run), "--name", "e", "--method", "mean_top5"]) == 0
    (line,) = read_ledger(run.parent / "submissions.csv").to_dict("records")
    summary = read_json(RunPaths(run).ensemble("e").summary)
    assert line["path"] == str(run / "ensembles" / "e" / "submission.csv")
    assert (line["method"], line["nested"]) == ("mean_top5", f"{summary['nested_macro_f1']:.4f}")


def test_broken_members_are_named_and_left_out_on_request_only(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one, two, whole = RunPaths(run).trials()
    one.fold(1).weights.unlink()
    two.oof.write_bytes(b"no archive")
    said = refused(capfd, main, run, "--method", "mean_top5")
    assert f"run/{two.root.name}" in said and "--skip-broken-members" in said
    two.oof.write_bytes(whole.oof.read_bytes())
    said = refused(capfd, main, run, "--method", "mean_top5")
    assert f"{one.fold(1).weights}: missing or changed" in said and "--skip-broken-members" in said
    two.oof.write_bytes(b"no archive")
    assert main([str(run), "--method", "mean_top5", "--name", "e", "--skip-broken-members"]) == 0
    out = capfd.readouterr().out
    assert f"left out: run/{one.root.name}" in out and f"left out: run/{two.root.name}" in out
    summary = read_json(RunPaths(run).ensemble("e").summary)
    assert [m["trial"] for m in summary["members"]] == [whole.root.name]
    whole.fold(0).weights.unlink()
    assert "no whole member" in refused(capfd, main, run, "--name", "f", "--skip-broken-members")


def test_failed_trials_are_named(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    failed = RunPaths(run).trial("0123456789ab")
    failed.root.mkdir()
    failed.error.write_text("Traceback")
    load_members([run], score=macro_f1)
    assert "left out: 1 failed trials: 0123456789ab" in capfd.readouterr().out


@pytest.mark.parametrize("size", [1, 3])
def test_size_is_the_most_picks_of_greedy_selection(run: Path, size: int) -> None:
    assert main([str(run), "--name", "e", "--method", "greedy", "--size", str(size)]) == 0
    picks = read_json(RunPaths(run).ensemble("e").summary)["parameters"]["weights"]
    assert 1 <= sum(picks) <= size


def attribute_run(data: Path, folder: Path, target: str, trials: int) -> tuple[Path, list[np.ndarray]]:
    """A run that predicts one attribute, untrained; and its out-of-fold probabilities."""
    experiment = prepared(data, folder)
    labels = decode(experiment.manifest.labels)[target]
    tables = []
    for number in range(trials):
        random = np.random.default_rng([number, len(target)])
        logits = (
            random.normal(0, 1, (len(labels), len(ATTRIBUTES[target])))
            + (1 + number) * np.eye(3)[labels][:, : len(ATTRIBUTES[target])]
        )
        tables.append((np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32))
        trial = experiment.paths.trial(f"{number:012x}")
        write_npz(
            trial.oof,
            index=np.arange(len(labels)),
            probabilities=tables[-1],
            label=labels,
            fold=experiment.folds.fold,
            classes=np.array(ATTRIBUTES[target]),
        )
        write_json(trial.result, {"oof_macro_f1": 0.5})
        write_json(trial.config, {"input": {"store": (32, 32)}, "model": {"pretrained": False}, "target": target})
        for k in range(2):
            fold = trial.fold(k)
            fold.root.mkdir(parents=True)
            fold.weights.write_bytes(b"weights")
            digest = "9e5a0dabbd7d21ea6b8efbb3b5ed7b7b7d1b5d0d3ef7ee5ef2a4ea1fd4b4fb03"
            write_json(fold.result, {"weights_sha256": digest, "statistics": [[0] * 3, [1] * 3]})
    return folder, tables


def test_runs_of_single_attributes_are_multiplied(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    counts = {"mask": 1, "gender": 2, "age": 1}
    runs, tables = {}, {}
    for target, count in counts.items():
        runs[target], tables[target] = attribute_run(sample, tmp_path / "runs" / target, target, count)
    members = load_members([*runs.values()], score=macro_f1)
    assert len(members.members) == 2  # as many as the attribute with most trials has
    best = members.members[0]
    assert best.name == "mask/000000000000 x gender/000000000001 x age/000000000000"  # ranked by their own scores
    joint = members.probabilities.reshape(2, -1, 3, 2, 3)
    assert joint.sum((3, 4))[0] == pytest.approx(tables["mask"][0], abs=1e-5)
    assert joint.sum((2, 4))[1] == pytest.approx(tables["gender"][0], abs=1e-5)
    assert (members.labels == prepared(sample, tmp_path / "joint").manifest.labels).all()
    assert best.oof_macro_f1 == macro_f1(members.labels, members.probabilities[0].argmax(1), 18)
    said = refused(capfd, main, runs["mask"], runs["gender"])
    assert "received none of age" in said

    def predict(config, folds, store, classes, *rest):
        assert classes == len(ATTRIBUTES[config.target])
        random = np.random.default_rng([int(folds[0].root.parent.name, 16), len(config.target)])
        return random.dirichlet(np.ones(classes), (2, len(store.names))).astype(np.float32)

    monkeypatch.setattr(testing, "predict_member", predict)
    monkeypatch.setattr("ensembles.choice.broken_members", lambda members: {})
    assert main([*map(str, runs.values()), "--name", "e", "--method", "mean_top5"]) == 0
    paths = RunPaths(runs["mask"]).ensemble("e")
    test = read_npz(paths.test)
    assert test["classes"].tolist() == list(CLASSES)
    assert test["probabilities"].shape[:2] == (2, 2) and test["probabilities"].sum(3) == pytest.approx(1, abs=1e-5)
    answers = pd.read_csv(paths.submission)["ans"]
    assert answers.between(0, 17).all() and len(answers) == 8 * 7
    (member, *_) = read_json(paths.summary)["members"]
    assert [f["target"] for f in member["times"]] == ["gender", "age"]


def test_product_of_probabilities() -> None:
    random = np.random.default_rng(0)
    mask, gender, age = (random.dirichlet(np.ones(n), (2, 4)) for n in (3, 2, 3))
    joint = multiply([mask, gender, age])
    assert joint.shape == (2, 4, 18)
    assert joint[1, 2, 6 * 2 + 3 * 1 + 0] == pytest.approx(mask[1, 2, 2] * gender[1, 2, 1] * age[1, 2, 0])
    assert multiply([joint]) is joint
