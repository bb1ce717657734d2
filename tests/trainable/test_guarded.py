"""What every command answers to a place or a terminal that is not as it thinks: one line, and no traceback."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from foldvote.command import main as foldvote
from trainable.cache import cache_folder
from trainable.command import HUNG_UP, check_folder, check_out, folder, guarded, natural, plain_name, whole
from trainable.errors import InputError
from trainable.files import write_text


def test_output_that_cannot_be_written_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for place, why in ((tmp_path / "file" / "out.csv", "exists|Not a directory"), (tmp_path / ("n" * 300), "too long")):
        assert guarded(lambda place=place: write_text(place, "x") or 0) == 2
        line = capfd.readouterr().err
        assert line.startswith("error: received ") and line.count("\n") == 1
        assert any(word in line for word in why.split("|"))


def test_foreign_folder_is_named_and_a_bug_keeps_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    def refused() -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/root/cache")

    assert guarded(refused) == 2
    assert capfd.readouterr().err == "error: received /root/cache: Permission denied; allowed: a place of that kind\n"
    with pytest.raises(FileNotFoundError):
        guarded(lambda: int(Path("/nowhere").read_text()))


def test_terminal_without_our_letters_is_no_reason_to_die(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(told, encoding="ascii"))
    assert guarded(lambda: print("0.5 ± 0.1", flush=True) or 0) == 0
    assert told.getvalue() == b"0.5 \\xb1 0.1\n"


def test_file_name_that_is_no_utf_8_is_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode("사진.png".encode("cp949"))
    assert guarded(lambda: len(name.encode())) == 2
    assert capfd.readouterr().err.startswith("error: a file name: received b'\\xbb\\xe7")


@pytest.mark.parametrize("text", ["²", "-1", "0", "1.0", "", "٣"])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="allowed: a whole number from 1 on"):
        whole(text)


def test_cache_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("FOLDVOTE_CACHE")
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(InputError, match="allowed: FOLDVOTE_CACHE=DIR, or HOME"):
        cache_folder()


def test_cache_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "cache", Path("/proc/nowhere/cache")):
        monkeypatch.setenv("FOLDVOTE_CACHE", str(place))
        with pytest.raises(InputError, match=f"received {place}: .*; allowed: FOLDVOTE_CACHE=DIR"):
            cache_folder()


def test_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_folder("--out", tmp_path / "a" / "b")
    with pytest.raises(InputError, match=f"--out: received {tmp_path}/file, which is a file; allowed: a folder"):
        check_folder("--out", tmp_path / "file")
    with pytest.raises(InputError, match=f"received {tmp_path}/file/a, and {tmp_path}/file is a file"):
        check_out(tmp_path / "file" / "a" / "x.csv")


@pytest.mark.parametrize("text", ["-1", "²", str(2**31), "1e3"])
def test_what_is_no_seed(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="allowed: a whole number from 0 to 2147483647"):
        natural(text)


def test_name_that_a_disk_may_not_take() -> None:
    with pytest.raises(ArgumentTypeError, match="received a name of 250 characters; allowed: 150 bytes"):
        plain_name("n" * 250)


WRITES = {
    "sample": ["s3://b/x"],
    "describe": ["DATA", "--out", "s3://b/x"],
    "search": ["demo", "--out", "s3://b/x"],
    "train": ["CONFIG", "--out", "s3://b/x"],
    "predict": ["RUN", "PHOTOS", "--out", "s3://b/x.csv"],
    "oof": ["RUN", "--csv", "s3://b/x"],
    "suspects": ["RUN", "--out", "s3://b/x.csv"],
    "compare": ["A.csv", "--table", "s3://b/x.csv"],
    "export": ["RUN", "s3://b/x"],
}


@pytest.mark.parametrize("name", WRITES)
def test_no_command_writes_to_an_address(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path would become of it: a folder `s3:` here."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        foldvote([name, *WRITES[name]])
    assert "allowed: a path on this machine" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_address_is_no_folder() -> None:
    with pytest.raises(ArgumentTypeError, match="received 's3://bucket/runs'; allowed: a path on this machine"):
        folder("s3://bucket/runs")
    assert folder("runs/s3:x") == Path("runs/s3:x")


@pytest.mark.parametrize("lines", [1, 100_000])
def test_whoever_stops_reading_gets_no_traceback(lines: int) -> None:
    """As of `foldvote ... | head`, whether a line meets the closed pipe, or only the last flush does."""
    code = (
        "import sys; from trainable.command import guarded; sys.stdin.read(); "
        f"sys.exit(guarded(lambda: print(chr(10) * {lines}) or 0))"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == HUNG_UP


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("search", "frozen", "photos"), "unrecognized arguments: photos (a data folder goes by --data photos)"),
        (
            ("search", "photos"),
            "SPACE: received photos, a folder; allowed: a space (demo, frozen, any, full), and --data photos",
        ),
        (("describe", "--data", "photos"), "unrecognized arguments: --data (the data folder is given by itself)"),
    ],
)
def test_data_folder_in_another_place_of_a_command(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    try:
        code: object = foldvote(list(words))
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2 and capfd.readouterr().err.startswith(f"error: {said}")
