"""Members from elsewhere, and the way out: what one run writes another build reads."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import complete_run, refused

from ensembles.build import main
from ensembles.members.outside import find_outside, read_outside, same_parts
from ensembles.oof import main as write_oof
from ensembles.oof_tables import write_table
from ensembles.predict import main as predict
from trainable.errors import InputError
from trainable.run import Run

IMAGES, CLASSES = ["a/1.png", "a/2.png", "b/3.png"], ["x", "y"]
TABLE = pd.DataFrame(
    {"image": ["3", "2.png", "a/1.png"], "y": [0.1, 0.2, 0.3], "fold": ["p", "q", "q"], "x": [0.9, 0.8, 0.7]}
)


def test_rows_and_columns_are_found_by_name(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "oof_m.csv", index=False)
    table, fold = read_outside(tmp_path / "oof_m.csv", IMAGES, CLASSES)
    np.testing.assert_allclose(table, [[0.7, 0.3], [0.8, 0.2], [0.9, 0.1]], atol=1e-6)
    assert fold is not None and fold.tolist() == ["q", "q", "p"]
    assert same_parts(fold, np.array([1, 1, 0])) and not same_parts(fold, np.array([0, 1, 0]))
    assert not same_parts(fold, np.array([0, 0, 0])) and not same_parts(None, np.array([1, 1, 0]))
    TABLE.to_csv(tmp_path / "oof_i.csv")  # an index before it, as pandas writes
    assert (read_outside(tmp_path / "oof_i.csv", IMAGES, CLASSES)[0] == table).all()
    # A row for each thing that images are photos of, as foldvote oof writes them: a photo is said what its thing is.
    several = ["a/1.png", "a/9.png", "a/2.png", "b/3.png", "b/7.png"]
    found, told = read_outside(tmp_path / "oof_m.csv", several, CLASSES, items=(0, 0, 1, 2, 2))
    assert (found == table[[0, 0, 1, 2, 2]]).all() and told is not None and told.tolist() == ["q", "q", "q", "p", "p"]
    with pytest.raises(InputError, match=r"received 3 rows, none for a/9\.png, b/7\.png"):
        read_outside(tmp_path / "oof_m.csv", several, CLASSES)
    arrays = {"image": np.array(IMAGES), "classes": np.array(CLASSES), "probabilities": table}
    np.savez(tmp_path / "oof_n.npz", **arrays)
    np.testing.assert_allclose(read_outside(tmp_path / "oof_n.npz", IMAGES, CLASSES)[0], table, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"x": [0.9, 0.8, 0.6]},
            r"received \[0.6, 0.3\] for a/1.png; allowed: probabilities of 0 or more that sum to 1",
        ),
        ({"x": [0.9, 0.8, np.nan]}, "allowed: probabilities"),
        ({"image": ["3", "2", "2"]}, "received 1 images twice; allowed: each once"),
        ({"image": ["3", "2", "4"]}, "received 3 rows, none for a/1.png; allowed: one for each of the 3 images"),
        ({"z": [0.0, 0.0, 0.0]}, "received classes x, y, z; allowed: x, y, a column each"),
        ({"x": ["0.9", "0.8", "many"]}, "received a cell that is no number"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    TABLE.assign(**change).to_csv(tmp_path / "oof_m.csv", index=False)
    with pytest.raises(InputError, match=message):
        read_outside(tmp_path / "oof_m.csv", IMAGES, CLASSES)


@pytest.mark.parametrize(
    "change",
    [
        {"image": np.array(IMAGES, dtype=object)},
        {"image": np.array(IMAGES)[:, None]},
        {"classes": np.array(["x"])},
        {"probabilities": np.full((2, 2), 0.5)},
        {"probabilities": np.full(3, 0.5)},
        {"probabilities": np.full((3, 2), "half")},
        {"probabilities": np.full((3, 2), 0.5 + 0j)},
        {"fold": np.zeros(2)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, change: dict) -> None:
    arrays = {"image": np.array(IMAGES), "classes": np.array(CLASSES), "probabilities": np.full((3, 2), 0.5)}
    np.savez(tmp_path / "oof_m.npz", **{**arrays, **change})
    with pytest.raises(InputError, match=r"oof_m\.npz: received .*; allowed: (arrays of|image \[N\], classes)"):
        read_outside(tmp_path / "oof_m.npz", IMAGES, CLASSES)
    (tmp_path / "oof_m.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="no npz of plain arrays; allowed: arrays of text and of numbers"):
        read_outside(tmp_path / "oof_m.npz", IMAGES, CLASSES)


def test_a_half_without_the_other_is_left_out_aloud_and_refused_where_it_is_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"without tables; allowed: a folder with oof_NAME\.csv and sub_NAME\.csv"):
        find_outside(tmp_path)
    TABLE.to_csv(tmp_path / "oof_m.csv", index=False)
    with pytest.raises(InputError, match=r"oof_m.csv without sub_m.csv; allowed: both"):
        find_outside(tmp_path)
    for name, message in (
        ("oof_b.parquet", r"received oof_b\.parquet in .*as \.csv or \.npz"),
        ("oof_m.npz", "name once"),
    ):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match=message):
            find_outside(tmp_path)
        (tmp_path / name).unlink()
    (tmp_path / "sub_m.CSV").touch()
    (tmp_path / "oof_n.csv").touch()
    said: list[str] = []
    assert [found.sub.name for found in find_outside(tmp_path, said.append)] == ["sub_m.CSV"]
    assert len(said) == 1 and said[0].startswith(f"left out: in {tmp_path} there is oof_n.csv without sub_n.csv")


@pytest.mark.parametrize("classes", [("cat", "image"), ("fold", "image"), ("image", "path", "path_image")])
def test_classes_called_like_columns_of_a_table_leave_its_images(tmp_path: Path, classes: tuple[str, ...]) -> None:
    table = np.random.default_rng(0).dirichlet(np.ones(len(classes)), 3).astype(np.float32)
    write_table(tmp_path / "oof_m.csv", IMAGES, table, classes, np.array([1, 0, 1], np.int8))
    found, fold = read_outside(tmp_path / "oof_m.csv", IMAGES, classes)
    np.testing.assert_allclose(found, table, atol=1e-6)
    assert (None if fold is None else fold.tolist()) == (None if "fold" in classes else ["1", "0", "1"])


def test_test_photos_may_have_classes_called_as_in_the_submission(tmp_path: Path) -> None:
    table = np.random.default_rng(0).dirichlet(np.ones(2), 3).astype(np.float32)
    for name, called in (("training", CLASSES), ("submission", ["2", "1"])):
        write_table(tmp_path / f"sub_{name}.csv", IMAGES, table, called)
        found, _ = read_outside(tmp_path / f"sub_{name}.csv", IMAGES, CLASSES, ["2", "1"])
        np.testing.assert_allclose(found, table, atol=1e-6)
    with pytest.raises(InputError, match="received classes 1, 2"):
        read_outside(tmp_path / "sub_submission.csv", IMAGES, CLASSES)


@pytest.mark.slow
def test_what_one_run_writes_votes_in_another(tmp_path: Path, generic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    size = {"input": {"store": (32, 32), "size": (32, 32)}, "epochs": 1}
    first = complete_run(generic, tmp_path / "first", learning_rates=(1e-3,), **size)
    second = complete_run(generic, tmp_path / "second", learning_rates=(3e-3,), **size)
    assert main([str(first), "--name", "own", "--method", "best_single"]) == 0
    assert write_oof([str(first), "--csv", str(tmp_path / "tables")]) == 0
    (trial,) = Run(first).trials()
    told = pd.read_csv(tmp_path / "tables" / f"oof_{trial.id}.csv")
    np.testing.assert_allclose(told[list(trial.oof().classes)], trial.oof().probabilities, atol=1e-6)

    arguments = [str(second), "--method", "mean_top5", "--also", str(tmp_path / "tables")]
    assert main([*arguments, "--name", "known"]) == 0
    summary, test = Run(second).ensemble("known").summary(), Run(second).ensemble("known").test()
    assert [m["trial"] for m in summary["members"]][1] == f"tables/{trial.id}" and summary["unvouched"] == []
    own = Run(first).ensemble("own").test()
    row = test["members"].tolist().index(f"tables/{trial.id}")
    np.testing.assert_allclose(
        test["probabilities"][row],
        np.broadcast_to(own["probabilities"][0].mean(0), test["probabilities"][row].shape),
        atol=1e-5,
    )

    told.drop(columns="fold").to_csv(tmp_path / "tables" / f"oof_{trial.id}.csv", index=False)
    capfd.readouterr()
    assert main([*arguments, "--name", "unknown"]) == 0
    assert "has no column fold: it may vote, but the nested estimate does not vouch for it" in capfd.readouterr().out
    assert Run(second).ensemble("unknown").summary()["unvouched"] == [f"tables/{trial.id}"]
    place = Run(second).ensemble("unknown").root
    (tmp_path / "tables" / f"sub_{trial.id}.csv").write_text("image,a\nelse,1\n")
    said = refused(capfd, main, *arguments, "--name", "no")
    assert "received classes a" in said and not (Run(second).ensemble("no").root).exists()
    assert "in which tables from elsewhere vote" in refused(capfd, predict, place, generic, "--out", tmp_path / "n.csv")


@pytest.mark.slow
def test_tables_of_a_run_come_in_pairs_and_vote_alone(
    tmp_path: Path, generic: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Another run of that name voted in its ensembles: of that one it has no table out of fold."""
    size = {"input": {"store": (32, 32), "size": (32, 32)}, "epochs": 1}
    runs = [
        complete_run(generic, tmp_path / place / "run", learning_rates=(rate,), **size)
        for place, rate in (("a", 1e-3), ("b", 3e-3))
    ]
    assert main([*map(str, runs), "--name", "both", "--method", "mean_top5"]) == 0
    capfd.readouterr()
    assert write_oof([str(runs[0]), "--csv", str(tmp_path / "tables")]) == 0
    assert "of the 1 that voted in a build" in capfd.readouterr().out
    (trial,) = Run(runs[0]).trials()
    assert sorted(f.name for f in (tmp_path / "tables").iterdir()) == [f"oof_{trial.id}.csv", f"sub_{trial.id}.csv"]
    also = ["--also", str(tmp_path / "tables"), "--without", "networks", "--name", "others"]
    assert main([str(runs[0]), *also]) == 0
    built = Run(runs[0]).ensemble("others")
    assert [m["trial"] for m in built.summary()["members"]] == [f"tables/{trial.id}"] and built.submission.exists()
