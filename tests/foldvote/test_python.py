"""What `import foldvote` offers, on a real run; and the walk in docs/python.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from finished import finish_a_search
from inline import interrupt_after
from PIL import Image

import foldvote
import foldvote.python
from ensembles import build
from foldvote.photos import as_files
from search import arguments
from trainable import run as trainable_run
from trainable.errors import InputError
from trainable.images.decode import read_image
from trainable.metrics import macro_f1

DOCS = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture(scope="module")
def run(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> foldvote.Run:
    return foldvote.Run.open(finish_a_search(sample, tmp_path_factory.mktemp("python")).root)


def test_leaderboard_and_tables_are_what_the_run_holds(run: foldvote.Run) -> None:
    board = run.leaderboard()
    complete = board[board["state"] == "complete"]
    assert len(complete) and complete["oof_score"].is_monotonic_decreasing
    oof = run.trial(complete["trial"].iloc[0]).oof()
    classes = list(oof.columns[4:])
    assert list(oof.columns[:4]) == ["image", "label", "prediction", "fold"] and len(classes) == 18
    numbers = [[classes.index(name) for name in oof[column]] for column in ("label", "prediction")]
    assert macro_f1(np.array(numbers[0]), np.array(numbers[1]), 18) == pytest.approx(complete["oof_score"].iloc[0])
    vote = run.votes()[-1]
    assert vote.members["weight"].sum() == pytest.approx(1)
    assert len(vote.oof()) == len(oof) and set(vote.submission["ans"]) <= {str(c) for c in range(18)}
    assert vote.oof_score >= vote.members["oof_score"].max() - 1e-9


def test_photos_are_the_same_as_paths_arrays_and_pil_images(run: foldvote.Run, sample: Path) -> None:
    paths = sorted((sample / "eval" / "images").glob("[!.]*.jpg"))[:2]
    images = [Image.open(path).convert("RGB") for path in paths]
    arrays = [np.asarray(image) for image in images]
    tables: list[pd.DataFrame] = [run.predict(given) for given in (paths, images, arrays, np.stack(arrays))]
    assert tables[0]["path"].tolist() == [str(path) for path in paths]
    numbers = [table.drop(columns="path").select_dtypes("number") for table in tables]
    for table, own in zip(tables[1:], numbers[1:], strict=True):
        assert table["path"].tolist() == ["0", "1"]
        pd.testing.assert_frame_equal(own, numbers[1])
        assert np.abs(own - numbers[0]).max(axis=None) < 0.002, "a JPEG is shrunk while it is decoded, an array after"
    assert len(run.predict(str(paths[0]))) == len(run.predict(arrays[0])) == 1


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        ([], "received none"),
        ("missing.jpg", "received missing.jpg, which is no file"),
        (np.zeros((4, 4, 3), np.float32), r"an array float32 \[4, 4, 3\]"),
        (np.zeros((4, 4), np.uint8), r"an array uint8 \[4, 4\]"),
        ([3], "received int"),
    ],
)
def test_what_is_no_photo_is_named(photos: Any, message: str) -> None:
    with pytest.raises(InputError, match=message), as_files(photos):
        pass


@pytest.mark.parametrize(("mode", "suffix"), [("RGB", ".jpg"), ("CMYK", ".jpg"), ("LAB", ".tif"), ("F", ".tif")])
def test_an_opened_photo_is_seen_as_its_file_is(tmp_path: Path, mode: str, suffix: str) -> None:
    pixels, tag = np.zeros((20, 40, 3), np.uint8), Image.Exif()
    pixels[:, :20], pixels[:, 20:], tag[0x0112] = (250, 0, 0), (0, 0, 250), 6
    file = tmp_path / f"x{suffix}"
    Image.fromarray(pixels).convert("L" if mode == "F" else mode).convert(mode).save(file, exif=tag)
    with Image.open(file) as opened, as_files(opened) as (_, (own,)):
        expected, found = read_image(file), read_image(own)
    assert expected is not None and found is not None and np.abs(found.astype(int) - expected).max() <= 2
    if mode == "RGB":
        file.write_bytes(file.read_bytes()[:-40])
        with Image.open(file) as opened, pytest.raises(InputError, match="received an image that Pillow cannot read"):
            as_files(opened).__enter__()


def test_unknown_runs_and_trials_are_named(run: foldvote.Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run"):
        foldvote.Run.open(tmp_path)
    with pytest.raises(InputError, match="trial: received 'nobody'"):
        run.trial("nobody")
    with pytest.raises(AttributeError, match="it has Run, Vote, build, search"):
        _ = foldvote.nothing


def test_an_interrupted_search_goes_on(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options: dict[str, Any] = {"trials": 2, "smoke": True, "executor": "inline"}
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            foldvote.search("demo", sample, **options)
    assert "interrupted; all is kept" in capsys.readouterr().out
    run = foldvote.search("demo", sample, **options, resume=True)
    assert run.path == tmp_path / "runs" / "demo" and len(run.leaderboard()) == 2


def test_wrong_input_is_an_error_of_its_own(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown space 'demmo'; nearest: demo"):
        foldvote.search("demmo", sample)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "a.txt").touch()
    with pytest.raises(InputError, match=r"which holds a.txt; allowed: another --name \(here: name=\.\.\.\)$"):
        foldvote.search("demo", sample, out=tmp_path, name="taken")
    with pytest.raises(InputError, match=r"\(here: seeds=\.\.\., retrain=\.\.\.\)$"):
        foldvote.search("demo", sample, seeds=2)
    with pytest.raises(InputError, match="no run"):
        foldvote.build(tmp_path)
    with pytest.raises(InputError, match="options: unrecognized arguments: --trails 3; allowed: those of"):
        foldvote.search("demo", sample, trails=3)
    with pytest.raises(InputError, match="options: argument --without: invalid choice: 'tables'"):
        foldvote.build(tmp_path, without="tables")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"all_rows": True, "size": 3, "name": None, "no_persons": False}, ["--all-rows", "--size", "3"]),
        ({"drop": ["label=Other", "kids=True"]}, ["--drop", "label=Other", "--drop", "kids=True"]),
        ({"from_": "runs/a"}, ["--from", "runs/a"]),
    ],
)
def test_options_are_the_commands_flags(options: dict[str, Any], words: list[str]) -> None:
    assert foldvote.python.words_of(options) == words


def test_lists_are_whole_and_a_second_round_is_found() -> None:
    """Of `without=[A, B]` only B was left out; a second round gave the run of the first."""
    words = foldvote.python.words_of({"without": ["heads", "features"], "also": [1, 2]})
    given = build.parser().parse_args(["R", *words])
    assert given.without == ["heads", "features"] and given.also == [Path("1"), Path("2")]
    given = arguments.parser().parse_args(["demo.py", *foldvote.python.words_of({"pseudo": "runs/demo"})])
    assert arguments.run_folder(given) == Path("runs/demo_round2")


def test_the_walk_runs_block_after_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text, _, real = DOCS.read_text().partition("## The same on real photos")  # tests/layouts/test_clothing.py runs it
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert real
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(DOCS), "exec"), names)
    assert trainable_run.Run.open(tmp_path / "runs" / "walk").ensembles()
    assert len(names["run"].leaderboard()) == 6 and len(blocks) > 8
