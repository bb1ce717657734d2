"""What a folder was read as goes the whole way: printed, recorded, read again by build, predict and --resume."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import animals, photos, read, table
from helpers import refused, space_file
from inline import searched

from ensembles.build import main as build
from ensembles.predict import main as predict
from ensembles.submission import filled, form_for
from search.run import main as search
from trainable.data.form import Form, form_of
from trainable.errors import InputError
from trainable.metrics import get
from trainable.run import Run
from trainable.train import main as train

CONFIG = {
    "model": {"backbone": "test_resnet", "pretrained": False},
    "input": {"store": [32, 32], "size": [32, 32]},
    "augment": {"policy": "none"},
    "epochs": 1,
    "batch_size": 8,
}
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "clothing"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A trial on a table whose sample asks for one column a class, rows of one label dropped; its vote."""
    work = tmp_path_factory.mktemp("commands")
    data = animals(work / "data", rows=24, labels=("cat", "dog", "owl", "Not sure"))
    rows = [(i, f"t{(7 * i) % 10}", 0.2, 0.2, 0.2, 0.2) for i in range(4)]
    table(data, "sample_submission.csv", ("", "id", "owl", "cat", "dog", "yak"), rows)
    (work / "config.json").write_text(json.dumps(CONFIG))
    given = [str(work / "config.json"), "--data", str(data), "--out", str(work / "run"), "--folds", "2"]
    assert train([*given, "--group", "place", "--drop", "label=Not sure"]) == 0
    assert build([str(work / "run"), "--name", "vote", "--method", "mean_top5"]) == 0
    return Run.open(work / "run")


@pytest.mark.slow
def test_run_records_what_was_taken_for_what(built: Run) -> None:
    flags, lines = built.info.input["flags"], built.info.input["lines"]
    assert flags["group"] == "place" and flags["drop"] == [["label", ["Not sure"]]]
    assert "dropped: 6 of 24 rows, label = Not sure" in lines
    assert "image = id + .jpg below train/: 18 of 18 found" in lines
    assert built.manifest.taken.flags.drop == (("label", ("Not sure",)),)
    assert built.info.classes == ("cat", "dog", "owl")


@pytest.mark.slow
def test_build_writes_the_form_of_the_sample_and_probabilities_beside(built: Run) -> None:
    folder = built.ensemble("vote")
    text = folder.submission.read_text()
    assert text.splitlines()[0] == ",id,owl,cat,dog,yak"
    table = pd.read_csv(folder.submission)
    assert table["id"].tolist() == ["t0", "t7", "t4", "t1"] and table.iloc[:, 0].tolist() == [0, 1, 2, 3]
    vote = folder.test()["vote"].astype(np.float64)
    assert table[["cat", "dog", "owl"]].to_numpy() == pytest.approx(vote / vote.sum(1, keepdims=True), abs=1e-6)
    assert (table["yak"] == 0).all()
    beside = pd.read_csv(folder.probabilities)
    assert list(beside) == ["id", "p cat", "p dog", "p owl"]
    assert beside["p owl"].to_numpy() == pytest.approx(table["owl"].to_numpy())


@pytest.mark.slow
def test_predict_answers_in_the_same_form(built: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder, new = built.ensemble("vote"), photos(tmp_path, ["x/n1.jpg", "x/n2.bmp"])
    out = tmp_path / "new.csv"
    assert predict([str(folder.root), str(new / "x"), "--out", str(out)]) == 0
    table = pd.read_csv(out)
    assert out.read_text().splitlines()[0] == ",id,owl,cat,dog,yak"
    assert table["id"].tolist() == ["n1", "n2"]
    beside = pd.read_csv(tmp_path / "new.probabilities.csv")
    assert beside["p cat"].to_numpy() == pytest.approx(table["cat"].to_numpy(), abs=1e-6)
    assert [Path(p).name for p in beside["path"]] == ["n1.jpg", "n2.bmp"]
    out.unlink()
    assert "new.probabilities.csv, which exists" in refused(capfd, predict, folder.root, new / "x", "--out", out)
    photos(tmp_path, ["y/n1.jpg"])
    assert predict([str(folder.root), str(new / "x"), str(new / "y"), "--out", str(tmp_path / "both.csv")]) == 0
    assert "warning: id there twice, of photos of one name in several folders: n1;" in capfd.readouterr().out


@pytest.mark.slow
def test_search_with_given_folds_is_resumed_with_its_flags(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The space says two folds, the data three."""
    data = animals(tmp_path / "data", rows=24)
    frame = pd.read_csv(data / "train.csv").assign(site=[f"s{i // 8}" for i in range(24)])
    frame.to_csv(data / "train.csv", index=False)
    given = [space_file(tmp_path / "spaces"), "--data", data, "--out", tmp_path / "runs", "--name", "r"]
    assert searched(*given, "--fold", "site", "--group", "place") == 0
    run = Run.open(tmp_path / "runs" / "r")
    assert run.folds.fold.tolist() == [i // 8 for i in range(24)] and run.settings["folds"] == 3
    assert "fold = site: 3 folds as given" in capfd.readouterr().out
    assert searched(*given, "--resume", "--trials", "3") == 0
    line = refused(capfd, search, *given, "--resume", "--group", "site")
    assert "received --group site; allowed: --group place --fold site, as the run began" in line


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no clothes: {SHARED} is not there")
def test_clothes_as_found(tmp_path: Path) -> None:
    """Real people's table: rows that are no classes, three of which have no photo, and answers that stay unread."""
    drop = (("label", ("Not sure", "Skip", "Other")),)
    manifest, test = read(SHARED, label="label", group="sender_id", drop=drop)
    assert len(manifest.frame) == 2383 - 139 and len(manifest.classes) == 17
    assert "kids" in manifest.frame
    assert test is not None and len(test.images) == 892 and test.groups is not None
    assert not set(test.groups) & set(manifest.frame["group"])


@pytest.mark.parametrize(
    ("kind", "metric", "written"),
    [
        ("label", "macro_f1", ["b", "a"]),
        ("label", "roc_auc", [0.75, 0.25]),
        ("label", "roc_auc:b", [0.75, 0.25]),
        ("label", "roc_auc:a", [0.25, 0.75]),
        ("label", "map_at_k:2", ["b a", "a b"]),
        ("ranked", "log_loss", ["b", "a"]),
        ("score", "accuracy", [0.75, 0.25]),
        ("rated", "accuracy", ["b 0.750000", "a 0.750000"]),
    ],
)
def test_answers_of_one_column(kind: str, metric: str, written: list[object]) -> None:
    empty = pd.DataFrame({"id": ["x", "y"], "answer": ""}, dtype=str)
    form = form_for(Form(kind, "id", ("id", "answer"), ("answer",), ("a", "b"), length=1), get(metric, ("a", "b")))
    made = filled(empty, form, np.array([[1.0, 3.0], [3.0, 1.0]]))
    assert made["answer"].tolist() == written and made["id"].tolist() == ["x", "y"]


def test_form_is_kept_as_json() -> None:
    form = Form("columns", "id", ("id", "a", "b"), ("a", "b"), ("b", "a"), absent=("c",), bare=True)
    assert Form.from_dict(json.loads(json.dumps(form.to_dict()))) == form


@pytest.mark.parametrize(
    ("held", "classes", "kind", "length"),
    [
        (["12 7 9"], ("3", "7"), "ranked", 3),
        (["31 32"], ("3", "7"), "ranked", 2),
        (["new w_1"], ("new", "w_2"), "ranked", 2),
        (["8815 0.03"], ("3", "8815"), "rated", 1),
        (["", "w_1 1.0 w_2 .25"], ("w_1", "w_3"), "rated", 2),
        (["3 0.5"], ("3", "0.5"), "ranked", 2),
        (["Sugar beet"], ("Maize", "Charlock"), "label", 0),
        (["Sugar beet"], ("Common wheat", "Maize"), "label", 0),
        (["0.5"], ("cat", "dog"), "score", 0),
        (["0", "1"], ("0", "1"), "label", 0),
        (["", ""], ("a", "b", "c"), "label", 0),
        (["27"], ("1", "2", "3"), "label", 0),
    ],
)
def test_form_is_told_by_what_a_sample_holds(held: list[str], classes: tuple[str, ...], kind: str, length: int) -> None:
    empty = pd.DataFrame({"id": [f"x{i}" for i in range(len(held))], "answer": held}, dtype=str)
    form = form_of(empty, "id", ("answer",), classes, True, "sample_submission.csv")
    assert (form.kind, form.length) == (kind, length)


def test_labels_with_probabilities_beside_lists_are_refused() -> None:
    empty = pd.DataFrame({"id": ["x", "y"], "answer": ["7 0.03", "7 9"]}, dtype=str)
    with pytest.raises(InputError, match=r"s.csv: answer: two readings: '7 0.03' is a label .*, '7 9' is a list"):
        form_of(empty, "id", ("answer",), ("7", "9"), True, "s.csv")


def test_score_is_of_the_class_that_the_column_is_called() -> None:
    empty = pd.DataFrame({"id": ["x"], "cat": ["0.5"]}, dtype=str)
    assert form_of(empty, "id", ("cat",), ("cat", "dog"), True, "s.csv").positive == 0
