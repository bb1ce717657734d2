"""Photos whose names tell what they are copies of, or what belongs together."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import photos, read, table

from trainable.data.layouts import plan_lines

KINDS = ["cat", "dog", "dog"] * 4

FORMS = ["a/x{}.png a/x{}_aug1.png", "a/x{}_jpg.rf.01ab.png b/x{}_jpg.rf.77cd.png", "a/IMG{}.png b/IMG{}_flip.png"]


@pytest.mark.parametrize("form", FORMS)
def test_photos_named_after_photos_in_other_groups_are_warned_of_and_can_be_merged(tmp_path: Path, form: str) -> None:
    names = [name for i in range(6) for name in form.format(i, i).split()]
    root = photos(tmp_path, names)
    rows = [(name, "ab"[n // 2 % 2], f"p{n // 2}") for n, name in enumerate(names)]
    table(root, "manifest.csv", ("path", "label", "group"), rows)
    assert plan_lines(read(root)[0]) == []
    table(root, "manifest.csv", ("path", "label"), [row[:2] for row in rows])
    (line,) = plan_lines(read(root)[0])
    assert line.startswith(f"warning: 6 photos named after photos in other groups ({names[1]} after {names[0]})")
    merged = read(root, merge_duplicates=True)[0]
    assert merged.frame["group"].nunique() <= 6 and plan_lines(merged) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("{p:03}_{s}", "6 ways such as 000 (train/cat/000_l.png, train/cat/000_r.png)"),
        ("IMG_{p}{s}", ""),
        ("{p}{s}", ""),
    ],
)
@pytest.mark.parametrize("labelled", ["folders", "manifest"])
def test_names_that_begin_alike_are_said_where_nothing_says_what_belongs_together(
    tmp_path: Path, name: str, said: str, labelled: str
) -> None:
    """Two eyes of one person were in two folds, and nothing hinted at it."""
    names = [f"train/{KINDS[p]}/{name.format(p=p, s=s)}.png" for p in range(6) for s in "lr"]
    photos(tmp_path, names)
    if labelled == "manifest":
        table(tmp_path, "manifest.csv", ("path", "label"), [(one, one.split("/")[1]) for one in names])
    lines = [line for line in read(tmp_path)[0].taken.lines if "begin alike" in line]
    assert bool(lines) == bool(said) and (not said or said in lines[0])


def test_names_that_begin_with_their_label_are_no_hint(tmp_path: Path) -> None:
    photos(tmp_path, [f"{kind}/{kind}_{i}.png" for kind in "abcdef" for i in range(3)])
    assert not any("begin alike" in line for line in read(tmp_path)[0].taken.lines)


@pytest.mark.parametrize(("name", "said"), [("{:08x}-b{}", True), ("IMG_{1:06}", False), ("{1}", False)])
def test_photos_of_one_long_name_in_several_folders_are_warned_of(tmp_path: Path, name: str, said: bool) -> None:
    """A leaf in colour and in grey, in two folders of one class: copies that neither bytes nor hashes show."""
    names = [f"{kind}/{name.format(2654435761 * i % 2**32, i)}.png" for kind in ("cat", "dog") for i in range(6)]
    photos(tmp_path, [f"{way}/{one}" for way in ("color", "grayscale") for one in names])
    lines = [line for line in plan_lines(read(tmp_path, label="folder_2")[0]) if "named after photos" in line]
    assert bool(lines) == said
