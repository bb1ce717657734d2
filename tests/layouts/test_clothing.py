"""Real photos of clothes, as found, at a tenth of the size: three flags, three metrics, each to its submission."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import SPACE, space_file
from inline import searched
from sklearn.metrics import f1_score, log_loss
from test_readme import BLOCK, FOUND, ROOT, called, main_of

import foldvote
from ensembles.build import main as build
from ensembles.truth import true_scores
from trainable.run import Run

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "clothing"
COLUMNS = ["--group", "sender_id", "--drop", "label=Not sure,Skip,Other"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"no clothes: {SHARED} is not there"),
]


@pytest.fixture(scope="module")
def tenth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every tenth row of each table, so that all classes but the rarest stay; rows without a photo too."""
    folder = tmp_path_factory.mktemp("clothing")
    (folder / "images").symlink_to(SHARED / "images")
    for name in ("train", "test", "sample_submission", "answers"):
        table = pd.read_csv(SHARED / f"{name}.csv", dtype=str, keep_default_na=False)
        table.iloc[::10].to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture
def clone(tenth: Path, tmp_path: Path) -> Path:
    """As the photos' public source hands them out: one table of all, in `clothing-dataset` below the working folder."""
    folder = tmp_path / "clothing-dataset"
    folder.mkdir()
    (folder / "images").symlink_to(SHARED / "images")
    train, test, answers = (pd.read_csv(tenth / f"{name}.csv") for name in ("train", "test", "answers"))
    pd.concat([train, test.merge(answers, on="image")]).to_csv(folder / "images.csv", index=False)
    return folder


def test_the_walks_of_readme_and_docs_lead_to_a_submission(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Command after command and block after block, with tiny networks."""
    monkeypatch.chdir(clone.parent)
    text = (ROOT / "docs" / "python.md").read_text().partition("## The same on real photos")[2]
    parting, *blocks = BLOCK.findall(text)
    names: dict[str, Any] = {"foldvote": foldvote, "Path": Path}
    exec(compile(parting, "docs/python.md", "exec"), names)

    small = ["--smoke", "--trials", "2", "--executor", "inline"]
    told = [command for where, command in FOUND if where == "README.md"]
    first = told.index("foldvote describe clothes")
    walk = [shlex.split(command) for command in told[first : first + 6]]
    assert [words[1] for words in walk] == ["describe", "describe", "search", "truth", "build", "truth"]
    for number, words in enumerate(walk):
        module, *arguments = called(words)
        assert main_of(module)([*arguments, *(small if words[1] == "search" else [])]) == (2 if number == 0 else 0)
    said = capsys.readouterr()
    assert "no image found for" in said.err and "true test macro-F1 of auto-2" in said.out
    assert Path("runs/frozen/ensembles/auto/submission.csv").is_file()

    asked = {"smoke": True, "trials": 2, "executor": "inline"}
    monkeypatch.setattr(foldvote, "search", partial(foldvote.search, **asked))
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert len(names["vote"].submission) == len(pd.read_csv("clothes/test.csv"))


def graded(metric: str, written: pd.DataFrame, beside: pd.DataFrame, truth: list[str]) -> float:
    """By scikit-learn and from the files alone."""
    names = [column.removeprefix("p ") for column in beside.columns[1:]]
    if metric == "macro_f1":
        return float(f1_score(truth, written["label"], labels=names, average="macro", zero_division=0))
    if metric == "log_loss":
        table = beside.iloc[:, 1:].to_numpy(np.float64)
        return float(log_loss(np.array([[t == n for n in names] for t in truth]), table / table.sum(1, keepdims=True)))
    lists = [answer.split(" ") for answer in written["label"]]
    return float(np.mean([1 / (1 + row.index(t)) if t in row else 0 for row, t in zip(lists, truth, strict=True)]))


@pytest.mark.parametrize("metric", ["macro_f1", "log_loss", "map_at_k:3"])
def test_clothes_go_to_a_submission_under_each_metric(tenth: Path, tmp_path: Path, metric: str) -> None:
    space = space_file(tmp_path, SPACE.replace("SEARCH = Search(", f"SEARCH = Search(metric={metric!r}, "))
    given = [space, "--data", tenth, "--out", tmp_path / "runs", "--name", "r", *COLUMNS]
    assert searched(*given, "--trials", "2") == 0
    run = Run.open(tmp_path / "runs" / "r")
    assert build([str(run.root), "--name", "vote", "--method", "mean_top5"]) == 0
    built = run.ensemble("vote")
    written = pd.read_csv(built.submission, dtype=str, keep_default_na=False)
    asked = pd.read_csv(tenth / "sample_submission.csv", dtype=str)
    assert list(written) == list(asked) and written["image"].tolist() == asked["image"].tolist()
    answers = pd.read_csv(tenth / "answers.csv", dtype=str, keep_default_na=False)
    own = run.measure().read(true_scores(built.root, tenth / "answers.csv")["ensemble"])
    beside = pd.read_csv(built.probabilities)
    assert graded(metric, written, beside, answers["label"].tolist()) == pytest.approx(own, abs=1e-9)
