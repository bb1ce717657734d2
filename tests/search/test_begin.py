"""How a run begins, and what is refused before anything does; nothing is trained but where a test says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Self

import pytest
from filelock import FileLock
from helpers import SPACE, generic_data, listing, prepared, refused, space_file
from inline import searched

from search.begin import refuse_changed_data
from search.executors import inline
from search.executors.inline import Inline
from search.run import main as search
from search.space_file import load_space
from trainable.errors import InputError
from trainable.run import Run, prepare
from trainable.run.inputs import keep_beside


@pytest.fixture
def begun(generic: Path, tmp_path: Path) -> list[object]:
    """Arguments that resume a run of which nothing but the experiment exists."""
    file = space_file(tmp_path, SPACE)
    run = prepared(generic, tmp_path / "runs" / "tiny")
    run.space.write_text(SPACE)
    return [file, "--out", tmp_path / "runs", "--resume"]


def test_lock_refuses_a_second_process(begun: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(tmp_path / "runs" / "tiny")
    with FileLock(run.lock):
        line = refused(capfd, search, *begun)
    assert line == f"error: {run.root} is in use by another process; wait until that has ended"


def test_resume_on_other_data_is_refused(
    begun: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = generic_data(tmp_path / "other", people=10)
    assert f"{other} has changed: received " in refused(capfd, search, *begun, "--data", other)
    assert "4 gone (" in refused(capfd, search, *begun, "--data", other)


def test_data_that_were_moved_go_on_and_pixels_changed_at_equal_size_do_not(
    begun: list[object], generic: Path, tmp_path: Path
) -> None:
    """A file of equal size and time holds something else; only its content tells."""
    run, moved = Run(tmp_path / "runs" / "tiny"), tmp_path / "moved"
    shutil.copytree(generic, moved)
    (tmp_path / "link").symlink_to(moved)
    born = run.born
    for root in (moved, tmp_path / "link"):
        refuse_changed_data(run, root)
        run.move_data(root)
        assert run.manifest.root == root == Run(run.root).manifest.root and run.born == born
    photo = moved / str(run.manifest.frame["image"][3])
    then, data = photo.stat(), bytearray(photo.read_bytes())
    data[-1] ^= 0xFF
    photo.write_bytes(data)
    os.utime(photo, ns=(then.st_atime_ns, then.st_mtime_ns))
    with pytest.raises(InputError, match=r"has changed: received 1 photos of other content \(images/p01_1.png\)"):
        refuse_changed_data(run, run.manifest.root)


def test_resume_with_a_changed_space_shows_the_difference(
    begun: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    space_file(tmp_path, SPACE.replace("epochs=1", "epochs=2"))
    error = refused(capfd, search, *begun)
    assert "has changed: received " in error
    assert "-SEARCH = Search(trials=2, folds=2, epochs=1" in error
    assert "+SEARCH = Search(trials=2, folds=2, epochs=2" in error


def test_a_space_may_import_what_lies_beside_it_and_resume_sees_it_change(
    begun: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also from the copy in the run, beside which nothing lies."""
    run = Run(tmp_path / "runs" / "tiny")
    text = "import pathlib\nfrom beside_it import SIZE, random\nHERE = pathlib.Path(__file__).parent\n" + SPACE
    (tmp_path / "beside_it.py").write_text("import random\nSIZE = 32\n")
    (tmp_path / "random.py").write_text("raise RuntimeError")
    file = space_file(tmp_path, text.replace("(32, 32)},", "(SIZE, SIZE)},"))
    space = load_space(file)
    assert space.beside == {"beside_it.py": "import random\nSIZE = 32\n"}
    run.space.write_text(space.text)
    keep_beside(space.beside, run.root)
    assert load_space(run.space).beside == space.beside
    (tmp_path / "beside_it.py").write_text("import random\nSIZE = 16 + 16\n")
    assert "have changed: received beside_it.py; allowed: as in" in refused(capfd, search, *begun)


def test_resume_with_changed_data_names_what_changed(
    begun: list[object], generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = generic / "manifest.csv"
    old = table.read_text()
    try:
        table.write_text("\n".join(old.splitlines()[:-1]) + "\n")
        assert "has changed: received 1 gone (" in refused(capfd, search, *begun)
    finally:
        table.write_text(old)


def test_a_damaged_photo_that_was_left_out_and_then_deleted_is_named(tmp_path: Path) -> None:
    data, run = generic_data(tmp_path / "data", people=6), Run(tmp_path / "run")
    bad, table = data / "images/p02_0.png", data / "manifest.csv"
    bad.write_bytes(b"no photo")
    run.begin(prepare(data, folds=2, seed=0, store_size=(8, 8), skip_bad_images=True), command=[], settings={})
    refuse_changed_data(run, data)
    bad.unlink()
    table.write_text("\n".join(line for line in table.read_text().splitlines() if "p02_0" not in line))
    with pytest.raises(InputError, match=r"received 1 gone \(images/p02_0.png\), which was left out as unreadable"):
        refuse_changed_data(run, data)


def test_dry_run_prints_the_plan_and_writes_nothing(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = space_file(tmp_path, SPACE)
    assert search([str(file), "--data", str(generic), "--out", str(tmp_path / "runs"), "--dry-run"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == f"run directory {tmp_path / 'runs' / 'tiny'}"
    assert lines[-1].startswith("next: python -m search.run")
    assert any("24 images of 12 groups" in line for line in lines)
    sampled = [line for line in lines if line.startswith("sampled: ")]
    assert len(sampled) == 3 and all(
        "model.backbone=test_resnet" in line and "optim.lr=0.00" in line for line in sampled
    )
    assert not any("epochs=12" in line or "momentum" in line for line in sampled)  # defaults, and what does not count
    assert not (tmp_path / "runs").exists()


# --- a folder that is there already ------------------------------------------------------------------------------


def leave_what_a_begin_leaves(run: Run) -> None:
    """As when its process is killed just before experiment.json is written."""
    (run.root / "experiment.json").unlink()
    run.lock.touch()
    (run.root / ".folds.parquet.4711.partial").write_bytes(b"half of it")
    assert run.space.exists() and not run.begun and not run.strangers()


def test_run_whose_begin_was_cut_off_is_begun_again(
    begun: list[object], generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path / "runs" / "tiny")
    leave_what_a_begin_leaves(run)
    run.space.write_text("of an earlier attempt")
    assert "where no search has begun; allowed: the same command without --resume" in refused(capfd, search, *begun)
    assert searched(*begun[:-1], "--data", generic) == 0
    assert Run.open(run.root).space.read_text() == SPACE
    assert any(trial.finished for trial in run.trials())


@pytest.mark.parametrize("name", ["notes.txt", "trials", "study.log", ".hidden"])
def test_folder_with_anything_else_is_refused_by_its_name_and_left_alone(
    begun: list[object], generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    run = Run(tmp_path / "runs" / "tiny")
    leave_what_a_begin_leaves(run)
    (run.root / name).write_text("dear")
    before = listing(tmp_path)
    line = refused(capfd, search, *begun[:-1], "--data", generic)
    assert line == f"error: run name: received {run.root}, which holds {name}; allowed: another --name"
    assert listing(tmp_path) == before


def test_begin_that_is_refused_leaves_no_folder(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whether it made the folder itself or found what an earlier begin had left there."""
    data = generic_data(tmp_path / "data")
    (data / "images/p02_0.png").write_bytes(b"no photo")
    file, out = space_file(tmp_path, SPACE), tmp_path / "new" / "runs"
    assert "received 1: images/p02_0.png" in refused(capfd, search, file, "--data", data, "--out", out)
    assert not (tmp_path / "new").exists()
    (out / "tiny").mkdir(parents=True)
    (out / "tiny" / "space.py").touch()
    assert "received 1: images/p02_0.png" in refused(capfd, search, file, "--data", data, "--out", out)
    assert out.exists() and not (out / "tiny").exists()


def test_run_for_which_there_are_no_workers_leaves_no_folder(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the corrected command, which differs in --cpus-per-trial, can begin the run."""

    class Busy(Inline):
        def __enter__(self) -> Self:
            raise InputError("--cpus-per-trial: received 64; allowed: up to 2, the most that a node has")

    file, out = space_file(tmp_path, SPACE), tmp_path / "new" / "runs"
    monkeypatch.setattr(inline, "Inline", Busy)
    line = refused(capfd, search, file, "--data", generic, "--out", out, "--executor", "inline")
    assert "received 64" in line and not (tmp_path / "new").exists()


def test_a_dry_run_says_that_its_name_is_taken(
    begun: list[object], generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = [str(word) for word in (*begun[:-1], "--data", generic)]
    capfd.readouterr()
    assert search([*plan, "--dry-run"]) == 0
    taken = f"warning: {tmp_path / 'runs' / 'tiny'} exists: the search wants another --name, or --resume to go on"
    assert taken in capfd.readouterr().out.splitlines()
    assert search([*plan, "--resume", "--dry-run"]) == 0
    assert taken not in capfd.readouterr().out
