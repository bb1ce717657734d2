"""A label that is a product of columns: read, refused, recorded, and trained with a head for each column."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import photos, read, table, texts
from helpers import SPACE, space_file
from inline import searched
from safetensors.torch import load_file

from ensembles.build import main as build
from ensembles.ensemble import read_ensemble
from ensembles.members import load_members
from ensembles.predict_photos import table_of
from trainable.data.corrections import correct
from trainable.data.flags import Flags, Taken, parse_cut, parse_order
from trainable.data.layouts.beside import NAME
from trainable.data.layouts.product import _ordered
from trainable.errors import InputError
from trainable.run import Run

SORTS, SIZES = ("apple", "pear"), ("3-9", "10-19", "20+")
HEAD = """"head": {
            "name": "attributes",
            "ordinal": ["size_band"],
            "weights": {"size_band": 2.0},
        },"""
THREE_LINES = SPACE.replace("epochs=1", "epochs=2").replace('"batch_size": 8,', f'"batch_size": 8,\n        {HEAD}')


def fruit(root: Path, *, rows: int = 48, gaps: bool = False, asked: bool = True) -> Path:
    """A table of fruit by sort and size, two photos a tree; test photos whose sort and size are asked for."""
    ids = [f"f{i:02}" for i in range(rows)]
    photos(root, [f"train/{one}.png" for one in ids])
    lines = []
    for i, one in enumerate(ids):
        sort, size = (i // 2) % 2, (i // 4) % 3
        size = 0 if gaps and sort and size == 2 else size  # no pear of 20 or more
        lines.append((one, SORTS[sort], SIZES[size], (1, 12, 30)[size] + i % 3, f"t{i // 2}", "ab"[i % 2]))
    table(root, "train.csv", ("id", "sort", "size_band", "grams", "tree", "site"), lines)
    if not asked:
        return root
    names = [f"x{(7 * i) % 10}" for i in range(4)]
    photos(root, [f"test/{one}.png" for one in names])
    lines = [(one, SORTS[0], SIZES[0]) for one in names]
    return table(root, "sample_submission.csv", ("id", "sort", "size_band"), lines)


def test_a_sample_that_asks_for_shares_or_codes_of_several_columns_is_warned_of(tmp_path: Path) -> None:
    """They get values of the training table, which is not what such a sample is scored by."""
    data = fruit(tmp_path)
    assert not [line for line in read(data, label="sort,size_band")[0].taken.lines if "no labels" in line]
    table(data, "sample_submission.csv", ("id", "size_band", "sort"), [("x0", "20+", 0.5), ("x7", "3-9", 0.5)])
    (said,) = (line for line in read(data, label="sort,size_band")[0].taken.lines if "no labels" in line)
    assert "answers of sample_submission.csv in sort such as '0.5' are no labels" in said and "'apple', 'pear'" in said


def refusal(root: Path, **flags: object) -> str:
    with pytest.raises(InputError) as said:
        read(root, **flags)
    assert "\n" not in str(said.value)
    return str(said.value)


@pytest.mark.parametrize("label", ["sort,size_band", None])
def test_label_is_the_product_of_its_columns(tmp_path: Path, label: str | None) -> None:
    """By the flag, or because the sample submission asks for both."""
    manifest, test = read(fruit(tmp_path), label=label, group="tree")
    assert manifest.attributes == ("sort", "size_band") and manifest.made_of["size_band"].values == SIZES
    assert manifest.made_of["size_band"].ordered and not manifest.made_of["sort"].ordered
    assert manifest.classes == tuple(f"{a} {b}" for a in SORTS for b in SIZES)
    rows = pd.read_csv(tmp_path / "train.csv", dtype=str)
    assert texts(manifest) == (rows["sort"] + " " + rows["size_band"]).tolist()
    assert manifest.groupwise == ("sort", "size_band") and set(manifest.frame) >= {"grams", "site"}
    assert test is not None and test.form.kind == "attributes" and test.form.parts[1] == SIZES * 2
    said = "\n".join(manifest.taken.lines)
    assert "label = sort (2 values) x size_band (3 values): 6 classes" in said and "3-9 < 10-19 < 20+" in said


def test_products_without_a_photo_are_no_classes(tmp_path: Path) -> None:
    manifest, _ = read(fruit(tmp_path, gaps=True), label="sort,size_band")
    assert manifest.classes == ("apple 3-9", "apple 10-19", "apple 20+", "pear 3-9", "pear 10-19")
    assert any("no photo of pear 20+: no classes" in line for line in manifest.taken.lines)
    left = manifest.drop(manifest.frame["image"][manifest.labels == 1].tolist())
    assert left.classes == ("apple 3-9", "apple 20+", "pear 3-9", "pear 10-19")
    assert left.made_of.classes() == left.classes and (left.made_of.encode(left.frame) == left.labels).all()


def test_a_column_of_numbers_is_cut(tmp_path: Path) -> None:
    manifest, _ = read(fruit(tmp_path, asked=False), label="sort,grams", cuts=(("grams", (10.0, 20.0)),))
    assert manifest.made_of["grams"].values == ("<10", "10-19", ">=20")
    assert manifest.frame["grams"].dtype == np.float64
    band = (manifest.frame["grams"] >= 10).to_numpy(int) + (manifest.frame["grams"] >= 20)
    assert (manifest.made_of.decode(manifest.labels)["grams"] == band).all()
    alone, _ = read(tmp_path, label="grams", cuts=(("grams", (20.0,)),))
    assert alone.classes == ("<20", ">=20")
    (tmp_path / "c.csv").write_text("path_or_id,field,value\ntrain/f00.png,grams,15\ntrain/f01.png,sort,pear\n")
    mended = correct(manifest, str(tmp_path / "c.csv"))
    assert (mended["grams"][0], mended["sort"][1]) == (15.0, 1)


def test_a_file_beside_the_table_says_the_same(tmp_path: Path) -> None:
    (fruit(tmp_path, asked=False) / NAME).write_text("label: [sort, grams, site]\ngrams: 10, 20\nsite: b < a\n")
    manifest, _ = read(tmp_path)
    cuts, order = (("grams", (10.0, 20.0)),), (("site", ("b", "a")),)
    said, _ = read(tmp_path, label="sort,grams,site", cuts=cuts, order=order)
    assert manifest.taken == said.taken and manifest.made_of == said.made_of
    assert manifest.made_of["site"].values == ("b", "a") and manifest.made_of["site"].ordered
    assert read(tmp_path, label="sort")[0].classes == SORTS  # a flag wins
    for text, words in (
        ("label: [sort\n", "allowed: label: [COLUMN"),
        ("- sort\n", "received no label"),
        ("label: sort\ngrams: 3\n", "received grams, which label does not name; allowed: sort"),
    ):
        (tmp_path / NAME).write_text(text)
        assert words in refusal(tmp_path)


def test_manifest_csv_has_products_too(tmp_path: Path) -> None:
    photos(tmp_path, [f"p/{i}.png" for i in range(14)])
    rows = [(f"p/{i}.png", SORTS[i % 2], SIZES[i // 2 % 3]) for i in range(12)]
    table(tmp_path, "manifest.csv", ("path", "sort", "size_band"), rows)
    header, extra = ("path", "sort", "size_band"), [["p/12.png", "pear", "20+"], ["p/13.png", "pear", "3-9"]]
    table(tmp_path, "extra.csv", header, extra)
    manifest, _ = read(tmp_path, label="sort,size_band")
    assert len(manifest.classes) == 6 and manifest.labels[12:].tolist() == [5, 3] and not manifest.scored[12:].any()
    extra[0][1] = "plum"
    table(tmp_path, "extra.csv", header, extra)
    assert "received sort 'plum'; allowed: apple, pear" in refusal(tmp_path, label="sort,size_band")


def test_bad_attributes_have_their_sentence(tmp_path: Path) -> None:
    data = fruit(tmp_path, asked=False)
    rows = pd.read_csv(data / "train.csv", dtype=str)
    rows.assign(ripe="yes", weight=[f"{i}.5" for i in range(len(rows))]).to_csv(data / "train.csv", index=False)
    cut = (("size_band", (10.0,)),)
    for flags, words in (
        ({"label": "sort,ripe"}, "column ripe has the one value 'yes'; allowed: two at least"),
        ({"label": "sort,colour"}, "--label: received 'colour', no column of train.csv"),
        ({"label": "sort,sort"}, "names a column twice"),
        (
            {"label": "sort,size_band", "cuts": cut},
            "--cut size_band: received '3-9', '10-19', '20+' in train.csv; allow",
        ),
        (
            {"label": "sort,weight"},
            "48 numbers in column weight: received 0.5, 1.5, 2.5 and 45 more; allowed: values that",
        ),
        ({"label": "sort,grams", "cuts": (("grams", (99.0,)),)}, "no row of train.csv has >=99; allowed: borders from"),
        ({"label": "sort", "cuts": (("grams", (9.0,)),)}, "--cut: received grams, which --label does not name"),
        ({"cuts": (("grams", (9.0,)),)}, "--cut grams=9: received without --label"),
        ({"label": "sort,site", "order": (("site", ("a",)),)}, "--order site: received a; allowed: each of a, b once"),
        ({"label": "sort,site", "order": (("site", ("a", "c")),)}, "unknown --order value of site in train.csv, 'c'"),
    ):
        assert words in refusal(data, **flags), words


@pytest.fixture(scope="module", params=[False, True], ids=["whole grid", "gaps"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A search in which three lines of the space give heads for each column, an ordinal second one; its vote."""
    work = tmp_path_factory.mktemp("fruit")
    data = fruit(work / "data", gaps=request.param)
    space = space_file(work, THREE_LINES)
    flags = ("--label", "sort,size_band", "--group", "tree")
    assert searched(space, "--data", data, "--out", work, "--name", "run", *flags) == 0
    assert build([str(work / "run"), "--name", "vote", "--method", "per_attribute"]) == 0
    return Run.open(work / "run")


def test_three_lines_of_a_space_give_heads_and_an_ordinal_second_attribute(run: Run) -> None:
    complete = [trial for trial in run.trials() if trial.finished]
    assert complete
    for trial in complete:
        weights = load_file(trial.fold(0).weights)
        assert weights["fc.0.bias"].shape == (3,)  # two units tell the sort, one the size
        assert sum("gaps" in name for name in weights) == 1
        assert set(trial.result.accuracies) == {"accuracy", "accuracy_sort", "accuracy_size_band"}
        oof = trial.oof()
        assert oof.classes == run.manifest.classes and oof.probabilities.sum(1) == pytest.approx(1, abs=1e-5)


def test_vote_and_submission_follow_the_columns(run: Run) -> None:
    members = load_members([run.root])
    assert members.made_of.names == ("sort", "size_band")
    folder = run.ensemble("vote")
    answers = pd.read_csv(folder.submission)
    assert list(answers) == ["id", "sort", "size_band"]
    assert set(answers["sort"]) <= set(SORTS) and set(answers["size_band"]) <= set(SIZES)
    vote = folder.test()["vote"]
    assert [f"{a} {b}" for a, b in zip(answers["sort"], answers["size_band"], strict=True)] == [
        members.classes[c] for c in vote.argmax(1)
    ]
    ensemble = read_ensemble(folder.root)
    names = [Path(name) for name in folder.test()["images"].tolist()]
    told = table_of(ensemble, names, vote)
    assert {"sort", "size_band", "p sort apple", "p size_band 20+"} <= set(told)
    assert (told["p sort apple"] + told["p sort pear"]).to_numpy() == pytest.approx(1, abs=1e-5)


def test_flags_are_parsed_and_typed_again() -> None:
    assert parse_cut("grams=10, 20.5") == ("grams", (10.0, 20.5)) and parse_order("a=x, y") == ("a", ("x", "y"))
    flags = Flags(label="sort,grams", cuts=(parse_cut("grams=10,20"),), order=(parse_order("sort=pear,apple"),))
    assert flags.given and flags.words() == "--label sort,grams --cut grams=10,20 --order sort=pear,apple"
    assert Taken.from_dict(json.loads(json.dumps(Taken(flags).to_dict()))).flags == flags
    for text in ("grams", "grams=", "grams=20,10", "grams=10,10", "grams=ten", "=10", "grams=nan"):
        with pytest.raises(InputError, match="allowed: COLUMN=N"):
            parse_cut(text)
    for text in ("sort", "sort=pear", "sort=pear,", "=a,b"):
        with pytest.raises(InputError, match="allowed: COLUMN=VALUE,VALUE"):
            parse_order(text)


def test_words_with_numbers_have_an_order() -> None:
    def told(*values: str) -> tuple[tuple[str, ...], bool]:
        return _ordered(pd.Series(values), "c", (), "t")

    assert told("more than 70", "0-2", "30-39", "3-9") == (("0-2", "3-9", "30-39", "more than 70"), True)
    assert told(">=60", "<30", "30-59") == (("<30", "30-59", ">=60"), True)
    assert told("5 years", "20 years", "under 5") == (("under 5", "5 years", "20 years"), True)
    assert told("small", "large", "3") == (("3", "large", "small"), False)
    assert told("p10", "p9") == (("p10", "p9"), False)
    assert told("1-5", "1-9") == (("1-5", "1-9"), False)  # which is the lower one?
