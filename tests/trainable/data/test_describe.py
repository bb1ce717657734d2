"""What `describe` says of small folders whose duplicates, sizes and classes are known."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import generic_data, refused, write_table

from trainable.data.describe.facts import ACROSS, EVAL, WITHIN, look
from trainable.data.hashes import NEAR, alike, perceptual
from trainable.describe import main as describe
from trainable.features.seen import with_features
from trainable.images.decode import read_image


def test_hash_survives_size_and_compression_and_tells_people_apart(sample: Path) -> None:
    photos = [read_image(p) for p in sorted((sample / "train/images").glob("*/normal.*"))[:8]]
    for photo in photos:
        small = cv2.resize(photo, (photo.shape[1] // 2, photo.shape[0] // 2), interpolation=cv2.INTER_AREA)
        packed = cv2.imdecode(cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
        for copy in (small, packed, cv2.add(photo, 8)):
            assert (perceptual(photo) ^ perceptual(copy)).bit_count() <= NEAR
    hashes = [perceptual(p) for p in photos]
    assert min((a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[:i]) > NEAR


def test_alike_finds_every_pair_that_brute_force_finds() -> None:
    rng = np.random.default_rng(1)
    hashes = [int(v) for v in rng.integers(0, 2**63, 60)]
    hashes += [h ^ sum(1 << int(b) for b in rng.choice(64, rng.integers(0, 6), replace=False)) for h in hashes[:40]]
    brute = {
        (i, j, (hashes[i] ^ hashes[j]).bit_count())
        for j in range(len(hashes))
        for i in range(j)
        if (hashes[i] ^ hashes[j]).bit_count() <= NEAR
    }
    assert set(alike(hashes)) == brute
    assert brute


def test_duplicates_are_sorted_by_where_they_lie(tmp_path: Path) -> None:
    root = generic_data(tmp_path / "data", people=6, test=2)
    shutil.copy(root / "images/p00_0.png", root / "images/p00_1.png")  # of one group
    shutil.copy(root / "images/p01_0.png", root / "images/p02_0.png")  # of two
    shutil.copy(root / "images/p03_0.png", root / next((root / "test").iterdir()).relative_to(root))
    found = look(root, folds=2, seed=0)
    equal = {(p.where, *sorted((p.first, p.second))) for p in found.pairs if p.same}
    assert {e[0] for e in equal} == {WITHIN, ACROSS, EVAL}
    assert (WITHIN, "images/p00_0.png", "images/p00_1.png") in equal
    assert (ACROSS, "images/p01_0.png", "images/p02_0.png") in equal


def test_text_says_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = generic_data(tmp_path / "data", people=6, test=2)
    assert describe([str(root), "--out", str(tmp_path / "out"), "--folds", "2"]) == 0
    said = capsys.readouterr().out
    for part in (
        "images: 12 of 6 groups to train on, 2 to predict",
        "32x32 14",
        ".png 14",
        "class0: 4 (2)",
        "unreadable: none",
    ):
        assert part in said, part
    assert (tmp_path / "out/describe.txt").read_text() in said
    assert "No class of these data is cut from a column of numbers" in (tmp_path / "out/describe.html").read_text()


def test_a_network_finds_mirrored_photos_and_one_like_no_other(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real weights, photos of twelve people, one of them mirrored as another's, and a picture of noise."""
    root, rows = tmp_path / "data", []
    for number, file in enumerate(sorted((sample / "train/images").glob("*/normal.*"))[:12]):
        photo = cv2.imread(str(file))
        rows.append((f"p{number:02}.png", "ab"[number % 2], f"g{number}", photo))
    rows.append(("mirrored.png", "a", "other", rows[3][3][:, ::-1]))
    rows.append(("noise.png", "b", "odd", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)))
    write_table(root / "manifest.csv", ("path", "label", "group"), [row[:3] for row in rows])
    for name, _, _, photo in rows:
        assert cv2.imwrite(str(root / name), photo)
    found = with_features(look(root, folds=2, seed=0), None)
    assert found.seen is not None and found.seen.by.startswith("tf_efficientnet_lite0 128x128, weights tf_eff")
    near = next(pair for pair in found.seen.pairs if pair.where == ACROSS)
    assert {near.first, near.second} == {"p03.png", "mirrored.png"}
    assert not any({p.first, p.second} == {"p03.png", "mirrored.png"} for p in found.pairs), "hashes do not see it"
    assert found.seen.unlike[0][0] == "noise.png"
    assert describe([str(root), "--out", str(tmp_path / "out"), "--folds", "2"]) == 0
    said, page = capsys.readouterr().out, (tmp_path / "out/describe.html").read_text()
    for part in (
        "features: tf_efficientnet_lite0 128x128",
        "p03.png ~ mirrored.png (0.",
        "other groups: noise.png (0.",
    ):
        assert part in said, said
    assert "Photos that are like no other" in page and "noise.png (0." in page
    (tmp_path / "none").mkdir()
    assert describe([str(root), "--out", str(tmp_path / "out"), "--weights", str(tmp_path / "none")]) == 0
    assert "features: none, since no weights of tf_efficientnet_lite0 or" in capsys.readouterr().out
    assert describe([str(root), "--out", str(tmp_path / "out"), "--no-features"]) == 0
    assert "features" not in capsys.readouterr().out


def test_nothing_of_other_data_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = (generic_data(tmp_path / name, people=6, test=0) for name in ("one", "other"))
    for _ in range(2):
        assert describe([str(one), "--folds", "2"]) == 0
    assert f"next: open {tmp_path / 'describe/one/describe.html'}" in capfd.readouterr().out
    assert "which holds data" in refused(capfd, describe, other, "--out", "describe/one")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/describe.html").write_text("a page of mine")
    assert "which holds describe.html" in refused(capfd, describe, one, "--out", "mine")


def test_pixel_statistics_are_those_of_all_pixels(tmp_path: Path) -> None:
    root = generic_data(tmp_path / "data", people=6, test=0)
    pixels = np.stack([cv2.imread(str(p))[..., ::-1] for p in sorted((root / "images").iterdir())]) / 255
    found = look(root, folds=2, seed=0).pixel_statistics
    assert found == pytest.approx(np.array([pixels.mean((0, 1, 2)), pixels.std((0, 1, 2))]), abs=1e-6)


def test_unreadable_image_and_too_few_groups_are_told_not_raised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = generic_data(tmp_path / "data", people=3, test=0)
    (root / "images/p00_0.png").write_bytes(b"nothing")
    (root / "test.csv").unlink()
    assert describe([str(root), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "unreadable: images/p00_0.png" in said
    assert "folds: fewer groups than folds" in said


def test_competition_shows_people(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert describe([str(sample), "--out", str(tmp_path), "--folds", "2"]) == 0
    assert "images: 168 of 24 groups to train on, 56 to predict" in capsys.readouterr().out
    text = (tmp_path / "describe.html").read_text()
    assert text.count("<figure>") > 50
    assert "http" not in text.replace("http-equiv", "")


def test_folder_of_no_known_layout_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "other.csv", ("a",), [("b",)])
    assert "no photo in it; received 1 .csv" in refused(capfd, describe, tmp_path)
