"""Shapes of public data sets that were read wrongly, or said too little: Market-1501, Oxford Pets, RAF-DB, ..."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import photos, read, refusal, table, texts

from trainable.data.layouts import plan_lines


@pytest.mark.parametrize("beside", ["query/09_c1_{}.png", "trimaps/cat_{}.png", "other/{}.png"])
def test_of_names_that_begin_with_their_class_a_folder_may_be_chosen(tmp_path: Path, beside: str) -> None:
    """Market-1501, Oxford Pets: the command ended in a traceback."""
    photos(tmp_path, [f"train/{kind}_{i}.png" for kind in ("cat", "dog") for i in range(4)])
    photos(tmp_path, [beside.format(i) for i in range(4)])
    manifest, _ = read(tmp_path, image="train", label="part_1")
    assert texts(manifest) == ["cat"] * 4 + ["dog"] * 4
    assert f"warning: 4 photos elsewhere, such as {beside.format(0)}, neither train" in " ".join(manifest.taken.lines)
    assert texts(read(tmp_path, image="train")[0]) == texts(manifest)


@pytest.mark.parametrize("names", [("train", "test"), ("val", "Train"), ("cat", "valid")])
def test_parts_of_the_data_that_names_begin_with_are_no_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    """RAF-DB: train_00001_aligned.jpg beside test_0001_aligned.jpg were searched as the classes train and test."""
    photos(tmp_path, [f"aligned/{name}_{i:05}.png" for name in names for i in range(4)])
    assert "a part of the data; allowed: a folder per class" in refusal(tmp_path)
    assert sorted(set(texts(read(tmp_path, label="part_1")[0]))) == sorted(names)


@pytest.mark.parametrize("header", ["lesion_id", "PatientID", "Patient No.", "partition", "is_valid", "deployment"])
def test_what_no_label_can_be_by_its_header_is_not_guessed(tmp_path: Path, header: str) -> None:
    """ISIC: beside labels in a file that is called GroundTruth lesion_id was the one column whose values repeat."""
    photos(tmp_path, [f"{i}.png" for i in range(12)])
    table(tmp_path, "meta.csv", ("image", header), [(f"{i}.png", "abc"[i // 4]) for i in range(12)])
    assert f"no label: received {header} (3 values such as 'a', 'b'), by its header" in refusal(tmp_path)
    assert texts(read(tmp_path, label=header)[0])[:5] == [*"aaaab"]
    table(tmp_path, "GroundTruth.csv", ("image", "dx"), [(f"{i}.png", "xy"[i % 2]) for i in range(12)])
    assert "GroundTruth.csv not read: answers, by its name (rename it where it holds labels)" in refusal(tmp_path)
    (tmp_path / "GroundTruth.csv").rename(tmp_path / "labels.csv")
    assert texts(read(tmp_path, label="dx")[0])[:3] == [*"xyx"]


@pytest.mark.parametrize("header", ["subject_id", "Patient ID", "personId", "lesion", "location"])
def test_columns_that_are_called_as_groups_are_named_though_most_of_them_have_one_photo(
    tmp_path: Path, header: str
) -> None:
    """HAM10000: three of four lesions have one photo, and nothing hinted at the others."""
    photos(tmp_path, [f"{i}.png" for i in range(12)])
    rows = [(f"{i}.png", "ab"[i % 2], f"p{max(i, 3)}", i * 7) for i in range(12)]
    for name, first in (("train.csv", "image"), ("manifest.csv", "path")):
        table(tmp_path, name, (first, "label", header, "distance"), rows)
        said = f"if photos of one value belong together: --group {header} (9 values)"
        assert said in " ".join(read(tmp_path)[0].taken.lines)
        assert not any("belong together: " in line for line in read(tmp_path, group=header)[0].taken.lines)


@pytest.mark.parametrize(
    ("photo", "mask", "flags"),
    [
        ("{kind}/images/{kind}-{i}.png", "{kind}/masks/{kind}-{i}.png", {"label": "folder_1"}),
        ("images/{kind}_{i}.jpg", "annotations/trimaps/{kind}_{i}.png", {"label": "part_1"}),
        ("{kind}/p{i}/1.png", "{kind}/p{i}/mask/1.png", {}),
    ],
)
def test_masks_that_train_beside_their_photos_are_warned_of(
    tmp_path: Path, photo: str, mask: str, flags: dict[str, str]
) -> None:
    """COVID-19 Radiography, Oxford Pets: twice the photos, each in another fold than its mask."""
    names = [form.format(kind=kind, i=i) for kind in ("cat", "dog") for i in range(4) for form in (photo, mask)]
    photos(tmp_path, names)
    if not flags:
        table(tmp_path, "manifest.csv", ("path", "label"), [(one, one.split("/")[0]) for one in names])
    manifest, _ = read(tmp_path, **flags)
    lines = [line for line in plan_lines(manifest) if "folders of masks" in line]
    assert (
        len(lines) == 1 and f"8 photos called like others, in folders of masks ({names[1]} and {names[0]})" in lines[0]
    )
    merged, _ = read(tmp_path, merge_duplicates=True, **flags)
    group = dict(zip(merged.frame["image"], merged.frame["group"], strict=True))
    assert all(group[of] == group[made] for of, made in zip(names[::2], names[1::2], strict=True))


@pytest.mark.parametrize("names", [("mask/{}.png", "no mask/{}.png"), ("mask/{}.png", "face/x{}.png")])
def test_people_with_a_mask_are_no_masks(tmp_path: Path, names: tuple[str, str]) -> None:
    photos(tmp_path, [name.format(i) for name in names for i in range(6)])
    assert plan_lines(read(tmp_path)[0]) == []


def test_photos_cut_out_are_named_after_those_in_colour(tmp_path: Path) -> None:
    """PlantVillage: of colour, grey and cut-out leaves --merge-duplicates joined the grey ones alone."""
    leaves = [f"{2654435761 * i % 2**32:08x}-b{i}" for i in range(12)]
    forms = ("color/{}.png", "grayscale/{}.png", "segmented/{}_final_masked.png")
    names = [form.format(f"{'ab'[i % 2]}/{leaf}") for form in forms for i, leaf in enumerate(leaves)]
    photos(tmp_path, names)
    merged = read(tmp_path, label="folder_2", merge_duplicates=True)[0].frame
    by_leaf = merged.groupby([one.rpartition("/")[2][:10] for one in merged["image"]])["group"].nunique()
    assert by_leaf.max() == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("cxr/train/patient{p}/study{s}/view1.png", "such as patient0 (cxr/train/patient0/study0/view1.png, "),
        ("cxr/p{p}/{s}.png", "such as p0 (cxr/p0/0.png, cxr/p0/1.png): where these belong together, --group folder"),
        ("cxr/{kind}/{p}{s}.png", ""),
        ("cxr/x{p}{s}.png", ""),
    ],
)
@pytest.mark.parametrize("name", ["train.csv", "manifest.csv"])
def test_folders_of_several_photos_each_are_named_where_no_column_is_a_group(
    tmp_path: Path, form: str, said: str, name: str
) -> None:
    """CheXpert: patients are known by their folders alone, and nothing hinted at them."""
    kinds = "abcdefg"
    pairs = [
        (form.format(p=p, s=s, kind=kinds[p]), kinds[p] if "{kind}" in form else kinds[s])
        for p in range(7)
        for s in range(2)
    ]
    photos(tmp_path, [one for one, _ in pairs])
    table(tmp_path, name, ("path", "label"), pairs)
    manifest, _ = read(tmp_path)
    lines = [line for line in manifest.taken.lines if "photos lie in" in line]
    assert bool(lines) == bool(said)
    if "folder" in said and name == "train.csv":
        assert said in lines[0] and read(tmp_path, group="folder")[0].frame["group"].nunique() == 7


@pytest.mark.parametrize("more", ["train_224", "train224x224", "train resized", "train-aug", "Train_2"])
def test_photos_in_a_folder_called_after_theirs_are_warned_of(tmp_path: Path, more: str) -> None:
    """Photos beside their resized copies, which are other bytes: both trained, in two folds."""
    names = [f"{folder}/{['cat', 'dog'][i % 2]}/{i}.png" for folder in ("train", more) for i in range(12)]
    photos(tmp_path, names)
    lines = [line for line in plan_lines(read(tmp_path)[0]) if "named after photos in other groups" in line]
    assert bool(lines) == (more != "Train_2")
    assert not lines or f"warning: 12 photos named after photos in other groups ({more}/" in lines[0]
    if lines:
        group = read(tmp_path, merge_duplicates=True)[0].frame.set_index("image")["group"]
        assert all(group[name] == group[name.replace(more, "train")] for name in names)


def test_classes_called_after_others_hold_photos_of_their_own(tmp_path: Path) -> None:
    photos(tmp_path, [f"{kind}/{i}.png" for kind in ("box", "box_small", "box_png") for i in range(6)])
    assert plan_lines(read(tmp_path)[0]) == []


@pytest.mark.parametrize("layout", ["folders", "table"])
def test_a_list_that_names_photos_and_is_not_read_is_said(tmp_path: Path, layout: str) -> None:
    """CelebA: identity_CelebA.txt says who is on which photo, and was passed over without a word."""
    names = [f"{'ab'[i % 2]}/{i:03}.png" for i in range(12)]
    photos(tmp_path, names)
    if layout == "table":
        table(tmp_path, "attributes.csv", ("image", "label"), [(name[2:], name[0]) for name in names])
    (tmp_path / "identity.txt").write_text("".join(f"{name[2:]} {i // 3}\n" for i, name in enumerate(names)))
    (tmp_path / "names.txt").write_text("".join(f"{name[2:]}\n" for name in names))
    said = [line for line in read(tmp_path)[0].taken.lines if "identity.txt" in line]
    assert said == ["warning: identity.txt not read, though photos are named there: as a CSV with a header alone"]


def test_parts_of_names_are_classes_by_a_flag_where_their_first_is_a_number(tmp_path: Path) -> None:
    """AgeDB, UTKFace: 0_MariaCallas_35_f.jpg."""
    names = [f"AgeDB/{i}_Maria{'ABC'[i // 4]}_{20 + i}_{'fm'[i % 2]}.png" for i in range(12)]
    photos(tmp_path, names)
    manifest, _ = read(tmp_path, label="part_4", group="part_2")
    assert texts(manifest) == [Path(name).stem[-1] for name in manifest.frame["image"]]
    assert manifest.frame["group"].nunique() == 3
    assert "no layout found" in refusal(tmp_path)


def test_the_group_of_a_second_table_leaves_labels_to_the_first(tmp_path: Path) -> None:
    """ISIC 2019: classes as columns in one table, the lesion in the other."""
    photos(tmp_path, [f"{i}.png" for i in range(24)])
    kinds = ("MEL", "NV", "BCC")
    hot = [(f"{i}.png", *(f"{float(k == i // 2 % 3)}" for k in range(3))) for i in range(24)]
    table(tmp_path, "labels.csv", ("image", *kinds), hot)
    table(
        tmp_path, "meta.csv", ("image", "age_approx", "lesion"), [(f"{i}.png", 55 + i % 2, i // 2) for i in range(24)]
    )
    manifest, _ = read(tmp_path, group="lesion")
    assert texts(manifest) == [kinds[int(Path(name).stem) // 2 % 3] for name in manifest.frame["image"]]
    assert manifest.frame["group"].nunique() == 12
