"""One label for several photos: read, trained photo by photo, answered and scored together."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import photos, read, table, texts
from helpers import space_file
from inline import searched

from ensembles.build import main as build
from ensembles.predict import main as predict
from ensembles.truth import true_scores
from trainable.data.flags import Flags
from trainable.data.folds import make_folds
from trainable.data.items import mean_of_items, photos_of
from trainable.data.layouts import read_manifest
from trainable.errors import InputError
from trainable.metrics import macro_f1
from trainable.run import Run

LABELS = ("cat", "dog")


def sides(root: Path, *, rows: int = 12, test: int = 3, sample: bool = True) -> Path:
    """A table of two columns of photos; every fourth row has no photo of the back."""
    photos(root, [f"photos/{one}_{side}.jpg" for one in (*_ids(rows), *_ids(test, "t")) for side in ("front", "back")])
    lines = [
        (one, f"{one}_front.jpg", f"{one}_back.jpg" if i % 4 else "", LABELS[i % 2]) for i, one in enumerate(_ids(rows))
    ]
    table(root, "train.csv", ("id", "front", "back", "label"), lines)
    asked = _ids(test, "t")[::-1]
    table(root, "test.csv", ("id", "front", "back"), [(one, f"{one}_front", f"{one}_back") for one in _ids(test, "t")])
    return table(root, "sample_submission.csv", ("id", "label"), [(one, "cat") for one in asked]) if sample else root


def cases(root: Path, *, rows: int = 12, test: int = 3, listed: bool = False) -> Path:
    """Photos in a folder a case, one to three of them, which the table and the sample know by the case's id."""
    names = [f"train/{one}/{k}.png" for i, one in enumerate(_ids(rows)) for k in range(1 + i % 3)]
    photos(root, [*names, *(f"test/{one}/{k}.png" for one in _ids(test, "t") for k in range(2))])
    lines = [(one, LABELS[i % 2], f"s{i // 2}", i % 2) for i, one in enumerate(_ids(rows))]  # 0 and 1 name photos too
    table(root, "train.csv", ("case", "label", "site", "left"), lines)
    if listed:
        table(root, "test.csv", ("case", "site"), [(one, "s9") for one in _ids(test, "t")])
    return table(root, "sample_submission.csv", ("case", "label"), [(one, "cat") for one in _ids(test, "t")[::-1]])


def views(root: Path, *, rows: int = 12, test: int = 3, sample: bool = True) -> Path:
    """Photos whose names begin with the id that the tables know, one to three of an id."""
    names = [f"train/{one}_s{k}.png" for i, one in enumerate(_ids(rows, "H-")) for k in range(1 + i % 3)]
    photos(root, [*names, *(f"test/{one}_s{k}.png" for one in _ids(test, "T-") for k in range(2))])
    lines = [(one, LABELS[i % 2], f"s{i // 2}") for i, one in enumerate(_ids(rows, "H-"))]
    table(root, "train.csv", ("code", "sort", "site"), lines)
    answers = [(one, "cat") for one in _ids(test, "T-")[::-1]]
    return table(root, "sample_submission.csv", ("code", "sort"), answers) if sample else root


def people(root: Path, *, rows: int = 12, test: int = 3) -> Path:
    """A row a photo, and a sample submission that asks for one answer a person."""
    photos(root, [f"photos/{one}_{k}.jpg" for one in (*_ids(rows), *_ids(test, "t")) for k in range(2)])
    lines = [(f"{one}_{k}.jpg", one, LABELS[i % 2]) for i, one in enumerate(_ids(rows)) for k in range(2)]
    table(root, "train.csv", ("image", "person", "label"), lines)
    table(root, "test.csv", ("image", "person"), [(f"{one}_{k}.jpg", one) for k in range(2) for one in _ids(test, "t")])
    return table(root, "sample_submission.csv", ("person", "label"), [(one, "cat") for one in _ids(test, "t")[::-1]])


def _ids(count: int, letter: str = "c") -> list[str]:
    return [f"{letter}{i:02}" for i in range(count)]


def refusal(root: Path, **flags: object) -> str:
    with pytest.raises(InputError) as said:
        read(root, **flags)
    assert "\n" not in str(said.value)
    return str(said.value)


def test_several_columns_of_photos(tmp_path: Path) -> None:
    assert "--image front,back" in refusal(sides(tmp_path))
    manifest, test = read(tmp_path, image="front,back")
    frame = manifest.frame
    assert len(frame) == 21 and frame["item"].nunique() == manifest.scored.sum() == 12
    assert frame["image"][manifest.scored].str.endswith("_front.jpg").all()
    assert [texts(manifest)[r] for r in np.flatnonzero(manifest.scored)] == [*LABELS] * 6
    assert (frame.groupby("item")["group"].nunique() == 1).all() and frame["group"].nunique() == 12
    assert "one answer for 12 of 21 photos, 1 to 2 each: their mean" in manifest.taken.lines
    assert test is not None and test.table["id"].tolist() == ["t02", "t01", "t00"]
    assert test.items == (0, 0, 1, 1, 2, 2) and test.images[:2] == ["photos/t02_front.jpg", "photos/t02_back.jpg"]
    assert "--image: received 'bakc', no column of test.csv; allowed: back" in refusal(tmp_path, image="front,bakc")


def test_ids_of_rows_with_several_photos_are_no_label(tmp_path: Path) -> None:
    """In a table of a row a photo they repeat, as does the number of the row that it remembers."""
    photos(tmp_path, [f"photos/{one}_{side}.jpg" for one in _ids(12) for side in "lr"])
    lines = [(one, f"{one}_l.jpg", f"{one}_r.jpg", LABELS[i % 2]) for i, one in enumerate(_ids(12))]
    manifest, _ = read(table(tmp_path, "data.csv", ("id", "left", "right", "finding"), lines), image="left,right")
    assert "label = finding (the one column whose values repeat)" in manifest.taken.lines
    assert manifest.classes == LABELS


def test_test_rows_without_a_sample_are_gathered_again(tmp_path: Path) -> None:
    _, test = read(sides(tmp_path, sample=False), image="front,back")
    assert test is not None and list(test.table) == ["id", "label"] and test.table["id"].tolist() == _ids(3, "t")
    assert test.items == (0, 0, 1, 1, 2, 2)


@pytest.mark.parametrize("listed", [False, True], ids=["sample alone", "test table"])
def test_ids_that_name_folders(tmp_path: Path, listed: bool) -> None:
    manifest, test = read(cases(tmp_path, listed=listed), group="site")
    assert len(manifest.frame) == 24 and manifest.scored.sum() == 12 and manifest.frame["group"].nunique() == 6
    assert "train.csv: 24 photos in 12 folders that case names" in manifest.taken.lines
    assert test is not None and test.table["case"].tolist() == ["t02", "t01", "t00"]
    assert test.items == (0, 0, 1, 1, 2, 2) and test.images[0] == "test/t02/0.png"
    (tmp_path / "train/c05/more").mkdir()
    (tmp_path / "train/c05/2.png").rename(tmp_path / "train/c05/more/2.png")  # below the id's folder, however deep
    assert len(read(tmp_path)[0].frame) == 24
    (tmp_path / "train/c03/0.png").unlink()
    assert "no folder of photos for 1 of 12 ids in case: received 'c03'" in refusal(tmp_path)


def test_manifest_csv_with_what_a_row_is_a_photo_of(tmp_path: Path) -> None:
    photos(tmp_path, [f"{one}_{k}.jpg" for one in (*_ids(8), *_ids(3, "t")) for k in range(2)])
    lines = [(f"{one}_{k}.jpg", one, LABELS[i % 2]) for k in range(2) for i, one in enumerate(_ids(8))]
    lines += [("t00_0.jpg", "", "dog"), ("t00_1.jpg", "", "cat")]  # of nothing that is named: each is a thing
    table(tmp_path, "manifest.csv", ("path", "thing", "label"), lines)
    table(tmp_path, "extra.csv", ("path", "label"), [("t01_0.jpg", "dog"), ("t01_1.jpg", "dog")])
    asked = [(f"{one}_{k}.jpg", one) for k in range(2) for one in _ids(3, "t")[::-1]]
    table(tmp_path, "test.csv", ("path", "thing"), asked)
    manifest, test = read(tmp_path, id="thing")
    frame = manifest.frame
    assert len(frame) == 20 and manifest.scored.sum() == 10 and frame["item"].nunique() == 12
    assert "one answer for 10 of 18 photos, 1 to 2 each: their mean" in manifest.taken.lines
    assert (frame.groupby("item")["group"].nunique() == 1).all() and frame["group"][:18].nunique() == 10
    assert test is not None and list(test.table) == ["thing", "prediction"] and test.form.id == "thing"
    assert test.table["thing"].tolist() == ["t02", "t01", "t00"] and test.items == (0, 0, 1, 1, 2, 2)
    assert test.images == [f"{one}_{k}.jpg" for one in ("t02", "t01", "t00") for k in range(2)]
    left = manifest.drop(["c00_0.jpg", "c01_1.jpg", "t01_0.jpg"])  # of what is left of a thing the first is scored
    assert left.scored.sum() == 10 and left.frame["image"][left.scored].iloc[7] == "c00_1.jpg"
    assert read(tmp_path)[0].scored.sum() == 18
    line = refusal(tmp_path, image="path,other")
    assert "--image: received 'path,other'; allowed: one column of manifest.csv, a row a photo, and --id COLUMN" in line
    lines[0] = ("c00_0.jpg", "c00", "dog")
    table(tmp_path, "manifest.csv", ("path", "thing", "label"), lines)
    assert "photos of one answer with several labels: received c00_0.jpg and others" in refusal(tmp_path, id="thing")


def test_extra_photos_of_a_scored_thing_train_where_it_does(tmp_path: Path) -> None:
    """Without a group they trained in every fold, those that score the thing too."""
    photos(tmp_path, [f"{one}_{k}.jpg" for one in (*_ids(8), "x") for k in range(3)])
    lines = [(f"{one}_{k}.jpg", one, LABELS[i % 2], f"g{i}") for k in range(2) for i, one in enumerate(_ids(8))]
    table(tmp_path, "manifest.csv", ("path", "thing", "label", "group"), lines)
    more = [("c00_2.jpg", "c00 ", "cat"), ("c03_2.jpg", "c03", "dog"), ("x_0.jpg", "", "dog"), ("x_1.jpg", "x", "dog")]
    table(tmp_path, "extra.csv", ("path", "thing", "label"), more)
    manifest, _ = read(tmp_path, id="thing")
    assert manifest.frame["group"].tolist()[16:] == ["g0", "g3", "x_0.jpg", "x_1.jpg"]
    assert "extra.csv: 2 rows of groups that are scored train where their group does" in manifest.taken.lines
    table(tmp_path, "extra.csv", ("path", "thing", "label", "group"), [(*more[0], "g5")])
    assert "photos of one thing in two groups: received c00_2.jpg" in refusal(tmp_path, id="thing")
    table(tmp_path, "manifest.csv", ("path", "item", "label"), [line[:3] for line in lines])
    table(tmp_path, "extra.csv", ("path", "item", "label"), more)
    assert read(tmp_path, id="item")[0].frame["group"].tolist()[16:18] == ["c00_0.jpg", "c03_0.jpg"]


def test_copies_among_photos_of_things(tmp_path: Path) -> None:
    """A thing's second photo was left out as an extra one, and an extra copy of it trained in every fold."""
    photos(tmp_path, [f"{one}_{k}.jpg" for one in _ids(8) for k in range(2)])
    photos(tmp_path, ["x_0.jpg", "x_1.jpg"])
    shutil.copy(tmp_path / "c00_0.jpg", tmp_path / "c05_1.jpg")
    shutil.copy(tmp_path / "c03_1.jpg", tmp_path / "x_0.jpg")
    shutil.copy(tmp_path / "c06_1.jpg", tmp_path / "x_1.jpg")
    lines = [(f"{one}_{k}.jpg", one, LABELS[i % 2]) for i, one in enumerate(_ids(8)) for k in range(2)]
    table(tmp_path, "manifest.csv", ("path", "thing", "label"), lines)
    manifest, _ = read(tmp_path, id="thing")
    assert len(manifest.frame) == 16 and not any("extra.csv" in line for line in manifest.taken.lines)
    merged = read(tmp_path, id="thing", merge_duplicates=True)[0].frame
    assert merged["group"].nunique() == 7
    table(tmp_path, "extra.csv", ("path", "label"), [("x_0.jpg", "dog"), ("x_1.jpg", "cat")])
    manifest, _ = read(tmp_path, id="thing")
    assert manifest.frame["group"].tolist()[16:] == ["c03_0.jpg", "c06_0.jpg"]


def test_names_that_begin_with_ids(tmp_path: Path) -> None:
    manifest, test = read(views(tmp_path), group="site")
    assert len(manifest.frame) == 24 and manifest.scored.sum() == 12 and manifest.frame["group"].nunique() == 6
    said = "names that begin with the 12 values of code: H-02_s0.png, H-02_s1.png, H-02_s2.png of H-02"
    assert f"train.csv: 24 photos in {said}" in manifest.taken.lines
    assert test is not None and test.table["code"].tolist() == ["T-02", "T-01", "T-00"]
    assert test.items == (0, 0, 1, 1, 2, 2) and test.images[:2] == ["test/T-02_s0.png", "test/T-02_s1.png"]
    frame = pd.read_csv(tmp_path / "train.csv")
    pd.concat([frame, pd.DataFrame({"code": ["H-01_s0"], "sort": "cat"})]).to_csv(tmp_path / "train.csv", index=False)
    photos(tmp_path, ["train/H-01_s0_b.png"])
    assert "two ids in code name: received train/H-01_s0_b.png (H-01 and H-01_s0)" in refusal(tmp_path)
    frame.assign(code=frame["code"].replace("H-03", "H-99")).to_csv(tmp_path / "train.csv", index=False)
    assert "no photo whose name begins with it for 1 of 12 ids in code: received 'H-99'" in refusal(tmp_path)
    frame.assign(other=frame["code"].to_numpy()[::-1]).to_csv(tmp_path / "train.csv", index=False)
    assert "ids of several photos are in code (--id code) or other (--id other)" in refusal(tmp_path)


def test_names_that_begin_with_ids_may_begin_with_classes(tmp_path: Path) -> None:
    """Nothing says which where no sample submission asks for these ids."""
    line = refusal(views(tmp_path, sample=False))
    assert "which are ids (--id code: one answer for the photos of each) or classes (take train.csv away)" in line
    manifest, test = read(tmp_path, id="code", label="sort")
    assert manifest.classes == LABELS and manifest.scored.sum() == 12
    assert test is not None and len(test.table) == 6  # a row a photo: nothing says which are of one thing


def test_a_sample_that_asks_for_persons(tmp_path: Path) -> None:
    manifest, test = read(people(tmp_path))
    assert len(manifest.frame) == 24 and manifest.scored.sum() == 12 and manifest.frame["group"].nunique() == 12
    assert test is not None and test.table["person"].tolist() == ["t02", "t01", "t00"]
    assert test.images == [f"photos/{one}_{k}.jpg" for one in ("t02", "t01", "t00") for k in range(2)]
    assert "one answer a value of person: 6 photos" in manifest.taken.lines
    frame = pd.read_csv(tmp_path / "train.csv")
    frame.assign(site=[f"s{i % 2}" for i in range(24)]).to_csv(tmp_path / "train.csv", index=False)
    line = refusal(tmp_path, group="site")
    assert "photos of one answer with several groups: received photos/c00_0.jpg and others (s0, s1)" in line
    frame.assign(label=["cat", "dog"] * 12).to_csv(tmp_path / "train.csv", index=False)
    assert "photos of one answer with several labels: received photos/c00_0.jpg and others" in refusal(tmp_path)


def test_a_list_of_classes_is_no_list_of_cases(tmp_path: Path) -> None:
    photos(tmp_path, [f"{name}/{i}.png" for name in ("cat", "dog", "owl", "yak") for i in range(4)])
    table(tmp_path, "classes.csv", ("name", "kind"), [("cat", "a"), ("dog", "a"), ("owl", "b"), ("yak", "b")])
    manifest, _ = read(tmp_path)
    assert manifest.layout == "class folders" and len(manifest.frame) == 16 and manifest.scored.all()


def test_photos_of_an_item_are_in_its_fold_and_their_mean_is_its_answer(tmp_path: Path) -> None:
    manifest = read_manifest(cases(tmp_path), Flags())
    folds = make_folds(manifest, 2, seed=0)
    item = manifest.frame["item"].to_numpy()
    for k in range(2):
        rows = folds.valid_rows(k)
        seen = photos_of(manifest, rows)
        assert seen.owner is not None and (item[seen.rows] == item[rows][seen.owner]).all()
        assert len(seen.rows) == np.isin(item, item[rows]).sum() and not set(seen.rows) & set(folds.train_rows(k))
        table = np.random.default_rng(k).dirichlet(np.ones(3), len(seen.rows)).astype(np.float32)
        expected = [table[seen.owner == m].mean(0) for m in range(len(rows))]
        assert seen.answers(table) == pytest.approx(np.array(expected), abs=1e-6)
    wide = np.random.default_rng(0).random((2, 5, 3))
    found = mean_of_items(wide, np.array([0, 0, 1, 2, 2]))
    assert found[:, 0] == pytest.approx(wide[:, :2].mean(1)) and found.shape == (2, 3, 3)


@pytest.mark.slow
@pytest.mark.parametrize("made", [sides, people])
def test_a_search_scores_items_and_its_vote_answers_each_once(made: object, tmp_path: Path) -> None:
    data = made(tmp_path / "data")  # type: ignore[operator]
    flags = ["--image", "front,back"] if made is sides else []
    given = (space_file(tmp_path), "--data", data, "--out", tmp_path, "--name", "r", "--trials", "1", *flags)
    assert searched(*given) == 0
    run = Run.open(tmp_path / "r")
    trial = next(trial for trial in run.trials() if trial.finished)
    oof = trial.oof()
    assert len(oof.index) == 12 and (oof.index == np.flatnonzero(run.manifest.scored)).all()
    assert trial.result.oof_score == pytest.approx(macro_f1(oof.label, oof.probabilities.argmax(1), 2))
    assert build([str(run.root), "--name", "vote", "--method", "best_single"]) == 0
    folder = run.ensemble("vote")
    written = pd.read_csv(folder.submission, dtype=str)
    assert written.iloc[:, 0].tolist() == ["t02", "t01", "t00"]
    test = folder.test()
    assert test["vote"].shape == (3, 2) and test["probabilities"].shape == (1, 2, 3, 2)
    key = tmp_path / "answers.csv"
    pd.DataFrame({written.columns[0]: written.iloc[:, 0], "label": ["cat", "dog", "cat"]}).to_csv(key, index=False)
    told = np.array([LABELS.index(name) for name in written["label"]])
    assert true_scores(folder.root, key)["ensemble"] == pytest.approx(macro_f1(np.array([0, 1, 0]), told, 2))
    asked = ["photos/t02_0.jpg", "photos/t02_1.jpg", "photos/t00_0.jpg"] if made is people else test["images"][:3]
    _new_photos_are_answered_an_item(run, [data / image for image in asked], tmp_path)  # type: ignore[operator]


def _new_photos_are_answered_an_item(run: Run, known: list[Path], work: Path) -> None:
    """Two photos in a folder of their own, whose answer is their mean, and one alone."""
    new = work / "new"
    (new / "it").mkdir(parents=True)
    for photo, name in zip(known, ("it/a.jpg", "it/b.jpg", "z.jpg"), strict=True):
        shutil.copy(photo, new / name)
    vote = run.ensemble("vote")
    for places, out in (([new], "together.csv"), ([new / "it", new / "z.jpg"], "apart.csv")):
        assert predict([str(vote.root), *map(str, places), "--out", str(work / out)]) == 0
    together, apart = (pd.read_csv(work / f"{name}.probabilities.csv") for name in ("together", "apart"))
    assert together["path"].map(lambda path: Path(path).name).tolist() == ["it", "z.jpg"] and len(apart) == 3
    expected = [apart["p cat"][:2].mean(), apart["p cat"][2]]
    assert together["p cat"].to_numpy() == pytest.approx(expected, abs=2e-6)
    assert pd.read_csv(work / "together.csv").iloc[:, 0].tolist() == ["it", "z"]
