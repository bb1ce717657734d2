"""Files that a crash leaves old or new, never half."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from trainable.files import (
    append_json_line,
    cut_to_last_line,
    digest,
    read_json,
    read_json_lines,
    read_npz,
    write_atomic,
    write_json,
    write_npz,
    write_text,
)


def test_write_that_fails_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def breaks(beside: Path) -> None:
        beside.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, breaks)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_strict_and_takes_numpy(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    write_json(
        path, {"nan": math.nan, "inf": np.float32("inf"), "n": np.int64(3), "a": np.arange(2), "t": (1, 2), 5: 0.5}
    )
    assert read_json(path) == {"nan": None, "inf": None, "n": 3, "a": [0, 1], "t": [1, 2], "5": 0.5}


def test_arrays_come_back_and_pickles_are_refused(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", x=np.arange(3, dtype=np.int8), names=np.array(["a", "bc"]))
    back = read_npz(tmp_path / "a.npz")
    assert back["x"].dtype == np.int8
    assert back["names"].tolist() == ["a", "bc"]
    np.savez(tmp_path / "b.npz", x=np.array([object()]))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_npz(tmp_path / "b.npz")


def test_torn_last_line_is_passed_over_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append_json_line(path, {"epoch": 1})
    append_json_line(path, {"epoch": 2, "loss": math.nan})
    with path.open("a") as file:
        file.write('{"epoch": 3, "lo')
    assert [m["epoch"] for m in read_json_lines(path)] == [1, 2]
    assert cut_to_last_line(path) == len('{"epoch": 3, "lo')
    assert cut_to_last_line(path) == 0
    append_json_line(path, {"epoch": 3})
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list(read_json_lines(tmp_path / "none")) == []
    assert cut_to_last_line(tmp_path / "none") == 0


def test_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert digest(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
