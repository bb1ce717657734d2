"""The generated data set: its layout, its distributions, its label errors, and that its faces are faces."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import psutil
import pytest

from trainable.sample.__main__ import main
from trainable.sample.album import draw_album
from trainable.sample.labelling import label_people
from trainable.sample.people import FILES, PUBLISHED, Person, age_band, cell_counts, draw_people, true_label
from trainable.sample.write import generate, train_files

PEOPLE, EVAL_PEOPLE, SEED = 20, 8, 3


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("generated") / "data"
    generate(out, PEOPLE, EVAL_PEOPLE, SEED, 1)
    return out


def population(people: int, seed: int = 0) -> list[Person]:
    rng = np.random.default_rng(seed)
    return label_people(draw_people(people, split=0, rng=rng), rng)


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"id": str})


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


# --- layout -----------------------------------------------------------------------------------------------------


def test_train_layout(data: Path) -> None:
    table = read(data / "train" / "train.csv")
    assert list(table.columns) == ["id", "gender", "race", "age", "path"]
    assert len(table) == PEOPLE
    assert table["path"].is_unique
    assert set(table["race"]) == {"Asian"}
    assert table["age"].between(18, 60).all()
    assert table["path"].tolist() == [f"{r.id}_{r.gender}_Asian_{r.age}" for r in table.itertuples()]
    folders = {p.name for p in (data / "train" / "images").iterdir() if p.is_dir()}
    assert folders == set(table["path"])
    extensions: Counter[str] = Counter()
    for path in table["path"]:
        files = [f for f in (data / "train" / "images" / path).iterdir() if not f.name.startswith(".")]
        assert sorted(f.stem for f in files) == sorted(FILES)
        extensions.update(f.suffix for f in files)
    assert set(extensions) == {".jpg", ".png", ".jpeg"}
    assert extensions[".jpg"] > 0.9 * extensions.total()


def test_truth_has_a_row_for_every_person(data: Path) -> None:
    truth = read(data / "train" / "truth.csv")
    assert list(truth.columns) == ["path", "gender", "age", "swapped"]
    assert truth["path"].tolist() == read(data / "train" / "train.csv")["path"].tolist()


def test_eval_layout(data: Path) -> None:
    info, answers = read(data / "eval" / "info.csv"), read(data / "eval" / "answers.csv")
    assert list(info.columns) == list(answers.columns) == ["ImageID", "ans"]
    assert len(info) == 7 * EVAL_PEOPLE
    assert info["ImageID"].tolist() == answers["ImageID"].tolist()
    assert set(info["ans"]) == {0}
    assert all(re.fullmatch(r"[0-9a-f]{40}\.jpg", name) for name in info["ImageID"])
    images = {p.name for p in (data / "eval" / "images").iterdir() if not p.name.startswith(".")}
    assert images == set(info["ImageID"])
    masks = Counter(answers["ans"] // 6)
    assert masks == {0: 5 * EVAL_PEOPLE, 1: EVAL_PEOPLE, 2: EVAL_PEOPLE}
    assert set(answers["ans"] % 6) == set(range(6))
    # Neither the rows nor the sorted names go person by person: then every seventh would be of one mask state.
    for order in (answers, answers.sort_values("ImageID")):
        assert len(set(order["ans"].to_numpy()[6::7] // 6)) > 1


def test_images_have_the_published_size(data: Path) -> None:
    for folder in (data / "train" / "images").iterdir():
        for file in folder.iterdir() if folder.is_dir() else ():
            if not file.name.startswith("."):
                image = cv2.imread(str(file))
                assert image is not None and image.shape == (512, 384, 3), file


def test_junk_dotfiles_are_no_images(data: Path) -> None:
    junk = [p for p in data.rglob("._*")]
    folders = {p.parent for p in junk}
    assert {data / "train" / "images", data / "eval" / "images"} < folders  # And some person's folder.
    assert all(cv2.imdecode(np.frombuffer(p.read_bytes(), np.uint8), cv2.IMREAD_COLOR) is None for p in junk)


def test_swapped_people_have_the_other_photo_under_the_name(tmp_path: Path) -> None:
    person = Person(split=0, index=0, gender=0, age=20, given_gender=0, given_age=20, id="000001", swapped=True)
    names = [path.stem for path in train_files(tmp_path, person)]
    assert names == [*FILES[:5], "normal", "incorrect_mask"]


# --- determinism ------------------------------------------------------------------------------------------------


def test_same_bytes_with_other_workers_and_other_bytes_with_another_seed(tmp_path: Path) -> None:
    for name, seed, workers in (("one", 1, 1), ("two", 1, 2), ("other", 2, 1)):
        generate(tmp_path / name, 6, 6, seed, workers)
    one, two, other = (contents(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    shared = [name for name in one.keys() & other.keys() if name.endswith(".jpg")]
    assert all(one[name] != other[name] for name in shared)
    assert one["eval/answers.csv"] != other["eval/answers.csv"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "other", "two"]  # No `.partial` is left.


# --- population -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("people", "least"), [(6, 1), (12, 1), (24, 2), (60, 2), (120, 5), (200, 5), (2700, 83)])
def test_every_cell_is_present(people: int, least: int) -> None:
    counts = cell_counts(people)
    assert counts.sum() == people
    assert counts.min() >= least
    given = Counter((p.given_gender, age_band(p.given_age)) for p in population(people))
    assert len(given) == 6
    assert min(given.values()) >= min(least, 5)


def test_large_population_is_the_published_one() -> None:
    people = population(2700)
    given = np.zeros((2, 3), int)
    for person in people:
        given[person.given_gender, age_band(person.given_age)] += 1
    assert np.abs(given - PUBLISHED).max() <= 15  # Label errors move a few people.
    ages = np.array([person.given_age for person in people])

    def between(low: int, high: int) -> int:
        return int(((ages >= low) & (ages <= high)).sum())

    assert (ages.min(), ages.max()) == (18, 60)
    assert between(27, 29) == pytest.approx(56, abs=6)
    assert between(31, 33) == pytest.approx(15, abs=4)
    assert between(45, 59) == pytest.approx(1061, abs=20)
    assert between(57, 59) == pytest.approx(350, abs=20)
    assert between(60, 60) == pytest.approx(192, abs=15)


def test_label_errors_have_the_published_rates() -> None:
    people = population(2700)
    wrong_age = [p for p in people if p.given_age != p.age]
    assert sum(p.given_gender != p.gender for p in people) == 11
    assert sum(p.swapped for p in people) == 3
    assert 10 <= len(wrong_age) <= 40
    assert all(p.age >= 57 and 1 <= abs(p.given_age - p.age) <= 3 for p in wrong_age)
    assert sum(p.given_gender != p.gender for p in population(200)) == 1


@pytest.mark.parametrize("people", [60, 200, 2700])
@pytest.mark.parametrize("seed", range(4))
def test_ids_are_as_awkward_as_the_published_ones(people: int, seed: int) -> None:
    rows = population(people, seed)
    ids = [person.id for person in rows]
    assert all(re.fullmatch(r"\d{6}(-[12])?", i) for i in ids)
    assert sorted(Counter(ids).values())[-2:] == [1, 2]  # Exactly one id occurs twice.
    assert len({person.path for person in rows}) == people
    suffixed = sum("-" in i for i in ids)
    assert suffixed == max(1, round(41 / 2700 * people))


def test_unshuffled_folds_would_be_skewed() -> None:
    ages = [person.given_age for person in population(2700)]
    young = [np.mean([age < 30 for age in part]) for part in np.array_split(np.array(ages), 5)]
    assert max(young) - min(young) > 0.4


def test_extensions_have_the_published_shares() -> None:
    people = population(2700)
    counts = Counter(extension for person in people for extension in person.extensions)
    assert counts == {"jpg": 18035, "png": 511, "jpeg": 354}
    assert any(len(set(person.extensions)) > 1 for person in people)


def test_true_label_is_the_published_formula() -> None:
    person = Person(split=1, index=0, gender=1, age=60, given_gender=0, given_age=20)
    assert [true_label(person, file) for file in ("mask5", "incorrect_mask", "normal")] == [5, 11, 17]


# --- drawing ----------------------------------------------------------------------------------------------------


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes [x, y, w, h]."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    both = np.prod(np.maximum(high - low, 0))
    return float(both / (np.prod(a[2:]) + np.prod(b[2:]) - both))


def test_opencvs_cascade_finds_the_unmasked_faces() -> None:
    cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"))
    found = []
    people = draw_people(40, split=0, rng=np.random.default_rng(0))
    for person in people:
        *_, (file, _, photo, face) = draw_album(person, seed=5)
        assert file == "normal"
        half = cv2.resize(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        boxes = [2.0 * np.asarray(box, float) for box in cascade.detectMultiScale(half, 1.1, 5)]
        found.append(bool(boxes) and overlap(max(boxes, key=lambda box: box[2]), face) > 0.4)
    assert np.mean(found) >= 0.95


# --- command ----------------------------------------------------------------------------------------------------


def test_command_ends_with_the_next_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "data"
    (tmp_path / "data.partial").mkdir()
    (tmp_path / "data.partial" / "left-over").touch()
    assert main([str(out), "--people", "6", "--eval-people", "6", "--workers", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"next: python -m search.run demo --data {out}"
    assert sorted(p.name for p in out.iterdir()) == ["README.txt", "eval", "train"]


@pytest.mark.parametrize("arguments", [["--people", "5"], ["--eval-people", "0"], ["--seed", "-1"], ["--workers", "0"]])
def test_refuses_values_out_of_range(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    out = tmp_path / "data"
    assert main([str(out), *arguments]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"received {arguments[1]}" in message
    assert "allowed" in message
    assert not out.exists()


def test_refuses_a_folder_with_something_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    assert main([str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "not empty" in message
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_batch_systems_farewell_leaves_neither_workers_nor_a_half_written_folder(tmp_path: Path) -> None:
    out = tmp_path / "data"
    command = [sys.executable, "-m", "trainable.sample", str(out), "--people", "2000", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as sample:
        drawn = tmp_path / "data.partial" / "train" / "images"
        while not list(drawn.glob("*/mask1.*")):
            assert sample.poll() is None
            time.sleep(0.05)
        workers = psutil.Process(sample.pid).children(recursive=True)
        sample.terminate()
        assert sample.wait(timeout=60) == 130
    assert not list(tmp_path.iterdir())
    assert not psutil.wait_procs(workers, timeout=10)[1]
