"""Builds that are interrupted, or that meet broken members."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import complete_run, refused

import ensembles.predict_members
from ensembles.build import main
from ensembles.members import Member, load_members
from ensembles.submissions_table import read_submissions_table
from trainable.run import Run

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
    real = ensembles.predict_members.predict_member

    def watched(member: Member, *arguments: Any) -> np.ndarray:
        if "stop" in seen and len(seen) > 1:
            raise KeyboardInterrupt
        seen.append(member.trial.id)
        return real(member, *arguments)

    monkeypatch.setattr(ensembles.predict_members, "predict_member", watched)
    yield seen


def test_interrupted_build_keeps_finished_members(run: Path, predicted: list[str]) -> None:
    arguments = [str(run), "--name", "e", "--method", "mean_top5"]
    predicted.append("stop")
    assert main(arguments) == 130
    folder = Run(run).ensemble("e")
    assert len(list(folder.parts.glob("*.npz"))) == 1
    assert not folder.built and not folder.submission.exists()
    predicted.remove("stop")
    assert main(arguments) == 0
    assert sorted(predicted) == sorted(t.id for t in Run(run).trials())  # each once
    assert not folder.parts.exists()
    assert main([str(run), "--name", "f", "--method", "mean_top5"]) == 0
    assert (folder.test()["vote"] == Run(run).ensemble("f").test()["vote"]).all()


def test_every_build_is_noted_in_the_table_of_submissions(run: Path) -> None:
    assert main([str(run), "--name", "e", "--method", "mean_top5"]) == 0
    (line,) = read_submissions_table(run.parent / "submissions.csv").to_dict("records")
    summary = Run(run).ensemble("e").summary()
    assert line["path"] == str(run / "ensembles" / "e" / "submission.csv")
    assert (line["method"], line["nested"]) == ("mean_top5", f"{summary['nested_score']:.4f}")


def test_broken_members_are_named_and_left_out_on_request_only(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one, two, whole = Run(run).trials()
    one.fold(1).weights.unlink()
    two.oof_file.write_bytes(b"no archive")
    said = refused(capfd, main, run, "--method", "mean_top5")
    assert f"run/{two.id}" in said and "--skip-broken-members" in said
    two.oof_file.write_bytes(whole.oof_file.read_bytes())
    said = refused(capfd, main, run, "--method", "mean_top5")
    assert f"{one.fold(1).weights}: missing or changed" in said and "--skip-broken-members" in said
    two.oof_file.write_bytes(b"no archive")
    assert main([str(run), "--method", "mean_top5", "--name", "e", "--skip-broken-members"]) == 0
    out = capfd.readouterr().out
    assert f"left out: run/{one.id}" in out and f"left out: run/{two.id}" in out
    summary = Run(run).ensemble("e").summary()
    assert [m["trial"] for m in summary["members"]] == [whole.id]
    whole.fold(0).weights.unlink()
    assert "no whole member" in refused(capfd, main, run, "--name", "f", "--skip-broken-members")


def test_failed_trials_are_named(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    failed = Run(run).trial("0123456789ab")
    failed.root.mkdir()
    failed.error.write_text("Traceback")
    load_members([run])
    assert "left out: 1 failed trials: 0123456789ab" in capfd.readouterr().out


@pytest.mark.parametrize("size", [1, 3])
def test_size_is_the_most_picks_of_greedy_selection(run: Path, size: int) -> None:
    assert main([str(run), "--name", "e", "--method", "greedy", "--size", str(size)]) == 0
    picks = Run(run).ensemble("e").summary()["parameters"]["weights"]
    assert 1 <= sum(picks) <= size
