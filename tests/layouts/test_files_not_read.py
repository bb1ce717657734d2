"""Files that hold labels and are not read are each told why."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import photos, read, refusal, table, texts


def test_files_that_hold_the_labels_and_are_not_read_are_each_told_why(tmp_path: Path) -> None:
    """Of a spreadsheet, a list and a table cut at another mark it was said that no column names photos."""
    photos(tmp_path, [f"{i}.png" for i in range(6)])
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    (tmp_path / "b.txt").write_text("".join(f"{i}.png {i % 2}\n" for i in range(6)), encoding="utf-8")
    (tmp_path / "c.csv").write_text("file label\n" + "".join(f"{i}.png cat\n" for i in range(6)), encoding="utf-8")
    (tmp_path / "d.json").write_text('[{"image": "0.png", "choice": "cat"}]', encoding="utf-8")
    line = refusal(tmp_path)
    for said in (
        "a.xlsx not read: spreadsheets (save them as CSV)",
        "b.txt names photos, and is read as a CSV with a header alone",
        "c.csv (file label '0.png cat'): no column (CSV, Parquet) names photos here",
        "d.json: neither COCO-style JSON of photos here nor metadata.jsonl",
    ):
        assert said in line
    photos(tmp_path / "e", [f"{kind}/{i}.png" for kind in ("cat", "dog") for i in range(3)])
    (tmp_path / "e" / "a.xlsx").write_bytes(b"PK")
    assert "warning: a.xlsx not read: spreadsheets (save them as CSV)" in read(tmp_path / "e")[0].taken.lines


def test_tables_of_one_name_are_told_apart_by_their_folders_and_titles_are_no_headers(tmp_path: Path) -> None:
    photos(tmp_path, [f"s{i % 2}/{i}.png" for i in range(12)])
    for k in (0, 1):
        table(tmp_path, f"s{k}/labels.csv", ("id", "label"), [(i, "ab"[i // 2 % 2]) for i in range(k, 12, 2)])
    assert "the labelled rows are in s0/labels.csv (write both into one" in refusal(tmp_path)
    table(
        tmp_path,
        "s0/labels.csv",
        ("Survey", "", ""),
        [("id", "label", "site"), *((i, "ab"[i // 6], "x") for i in range(6))],
    )
    assert "2 columns of values without a header, beside Survey; allowed: a name above each" in refusal(tmp_path)


@pytest.mark.parametrize(
    "name", ["sample_submission.csv.zip", "train.csv.gz", "sample_submission.xlsx", "sampleSubmission.txt"]
)
def test_tables_that_are_packed_or_no_csv_are_said_where_another_layout_is_read(tmp_path: Path, name: str) -> None:
    """Without its sample submission, answers had another header and order than asked for, and nothing said so."""
    photos(tmp_path, [f"train/{kind}/{i}.png" for kind in ("cat", "dog") for i in range(3)] + ["test/9.png"])
    (tmp_path / name).write_bytes(b"PK")
    said = [line for line in read(tmp_path)[0].taken.lines if line.startswith(f"warning: {name} is not read: ")]
    stem = name.partition(".")[0]
    assert len(said) == 1 and said[0].endswith(f"(as {stem}.csv it is)")
    if name.startswith("train"):
        return
    table(tmp_path, f"{stem}.csv", ("id", "label"), [("9", "cat")])
    if name.endswith("zip"):
        assert not any("is not read" in line for line in read(tmp_path)[0].taken.lines)


def test_lines_of_an_old_macintosh_are_lines_and_a_wide_one_is_named(tmp_path: Path) -> None:
    photos(tmp_path, [f"{i}.png" for i in range(8)])
    lines = ["id,label", *(f"{i},{'ab'[i % 2]}" for i in range(8))]
    (tmp_path / "t.csv").write_bytes("\r".join(lines).encode())
    assert texts(read(tmp_path)[0]) == ["a", "b"] * 4
    (tmp_path / "t.csv").write_text("\n".join([*lines, "9,a,b"]), encoding="utf-8")
    assert "t.csv is no readable table: line 10 has 3 cells, the first 2; allowed" in refusal(tmp_path)


@pytest.mark.parametrize("with_table", [False, True])
def test_names_that_hold_folders_of_windows_are_named_for_what_they_are(tmp_path: Path, with_table: bool) -> None:
    photos(tmp_path, [rf"{'ab'[i % 2]}\{i}.png" for i in range(8)])
    if with_table:
        (tmp_path / "t.csv").write_text("\n".join(["id,label", *(f"{i}.png,{'ab'[i % 2]}" for i in range(8))]))
    assert r"8 photos, such as 'a\\0.png', have a backslash in their own name: a zip of Windows" in refusal(tmp_path)
