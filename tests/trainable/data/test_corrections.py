"""Label corrections: the core list, files, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import people

from trainable.config import RowsConfig, TrialConfig
from trainable.data.attributes import PLAIN
from trainable.data.corrections import CORE, correct, left_out, unseen_said
from trainable.data.fits import check_data
from trainable.data.folds import Folds
from trainable.data.manifest import Manifest
from trainable.data.rows import training_rows
from trainable.errors import InputError


def file(tmp_path, *lines, header="path_or_id,field,value"):
    path = tmp_path / "corrections.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return str(path)


def renamed():
    """People whose ids stand in the core list: one woman to be a man, one man already, one swap."""
    manifest = people((25,) * 6)
    ids = {"000000_x_Asian_25": "006359_f", "000001_x_Asian_25": "006360_f", "000002_x_Asian_25": "000020_f"}
    manifest.frame["group"] = manifest.frame["group"].replace(ids)
    manifest.frame.loc[manifest.frame["group"] == "006359_f", "gender"] = 1
    manifest.frame.loc[manifest.frame["group"] == "006360_f", "gender"] = 0
    return manifest


def test_core_list_holds_the_eleven_published_people():
    assert len(CORE) == 11


def test_core_turns_gender_and_swaps_masks():
    manifest = renamed()
    frame = correct(manifest, "core")
    before = manifest.frame
    assert (frame.loc[frame["group"] == "006359_f", "gender"] == 0).all()
    assert (frame.loc[frame["group"] == "006360_f", "gender"] == 0).all()
    mine = before["group"] == "000020_f"
    assert frame.loc[mine, "mask"].tolist() == [0, 0, 0, 0, 0, 2, 1]
    others = ~before["group"].isin(["006359_f", "000020_f"])
    assert frame[others].equals(before[others])


def test_none_changes_nothing():
    manifest = renamed()
    assert correct(manifest, "none").equals(manifest.frame)


def test_file_by_id_group_and_image(tmp_path):
    manifest = people((25,) * 6)
    source = file(tmp_path, "000001,age,61", "train/images/000002_x_Asian_25,gender,female", "000003/5.jpg,mask,none")
    frame = correct(manifest, source)
    changed = (frame != manifest.frame).any(axis=1)
    assert changed.sum() == 7 + 7 + 1
    assert set(frame.loc[frame["group"] == "000001_x_Asian_25", "age"]) == {61.0}


def test_a_correction_found_by_a_fold_model_holds_in_that_fold_only(tmp_path):
    manifest = people((25,) * 6)
    source = file(tmp_path, "000001,age,61,2", header="path_or_id,field,value,fold")
    ages = [correct(manifest, source, k)["age"].max() for k in range(4)]
    assert ages == [25, 25, 61, 25]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("999999,gender,male", "names no row"),
        ("000001,colour,red", "field 'colour'; allowed: mask, gender, age, swap"),
        ("000001,gender,man", "gender 'man'; allowed: male, female"),
        ("000001,age,old", "age 'old'; allowed: a number from 0 to 120"),
        ("000001,swap,mask1 normal", "allowed: incorrect_mask normal"),
        ("000001,label,3", "allowed: mask, gender, age, swap"),
    ],
)
def test_wrong_lines_are_named(tmp_path, line, message):
    with pytest.raises(InputError, match=f"line 2.*{message}"):
        correct(people((25,) * 6), file(tmp_path, line))


def test_an_id_of_two_people_is_refused(tmp_path):
    manifest = people((25,) * 6)
    manifest.frame["group"] = (
        manifest.frame["group"].str.replace("000001_", "000002_").str.cat(np.repeat(["a", "b"] * 3, 7))
    )
    with pytest.raises(InputError, match="names 2 people"):
        correct(manifest, file(tmp_path, "000002,age,61"))


def test_a_missing_file_is_refused_and_contents_count_not_the_place(tmp_path):
    with pytest.raises(InputError, match=r"rows\.corrections: received '/nowhere\.csv'; allowed: none, core"):
        RowsConfig(corrections="/nowhere.csv")
    first = file(tmp_path, "000001,age,61")
    (tmp_path / "other").mkdir()
    second = file(tmp_path / "other", "000001,age,61")
    ids = {TrialConfig(rows=RowsConfig(corrections=c)).trial_id("f") for c in (first, second)}
    assert len(ids) == 1


def test_a_list_judged_out_of_fold_is_warned_of(tmp_path):
    line = "000001,gender,male,1.5,female,7/7"
    header = "path_or_id,field,value,score,given,agree"
    found = unseen_said(file(tmp_path, line, header=header))
    assert len(found) == 1 and "carry labels from fold to fold" in found[0] and "--by-fold" in found[0]
    for other in (file(tmp_path, f"{line},2", header=f"{header},fold"), file(tmp_path, "000001,gender,male"), "core"):
        assert unseen_said(other) == []


@pytest.mark.parametrize(("encoding", "mark"), [("utf-16", ","), ("utf-8-sig", ";"), ("cp949", ","), ("utf-8", "\t")])
def test_a_list_judged_out_of_fold_is_warned_of_however_a_spreadsheet_saved_it(tmp_path, encoding, mark):
    """The header was read by hand: a traceback for UTF-16, and no warning for semicolons."""
    rows = ["path_or_id,field,value,Score,given,agree", "000001,gender,male,1.5,female,7/7 사람"]
    path = tmp_path / "corrections.csv"
    path.write_bytes("\n".join(row.replace(",", mark) for row in rows).encode(encoding))
    assert "carry labels from fold to fold" in unseen_said(str(path))[0]


def test_a_file_is_found_from_another_folder(tmp_path, monkeypatch):
    file(tmp_path, "000001,age,61")
    monkeypatch.chdir(tmp_path)
    assert RowsConfig(corrections="corrections.csv").corrections == str(tmp_path / "corrections.csv")


def test_generic_data_have_their_label_corrected(tmp_path):
    manifest = people((25,) * 6)
    frame = manifest.frame.drop(columns=["mask", "gender", "age"])
    generic = replace(manifest, frame=frame, layout="generic", made_of=PLAIN)
    found = correct(generic, file(tmp_path, "000001/0.jpg,label,none female >=60"))
    assert (found["label"] != frame["label"]).sum() == 1 and found["label"].max() == 17
    with pytest.raises(InputError, match="line 2: received field 'gender'; allowed: label"):
        correct(generic, file(tmp_path, "000001,gender,male"))


def test_lines_of_all_folds_hold_for_a_network_of_all_rows_each_once(tmp_path):
    manifest = people((25,) * 6)
    lines = [f"000002,swap,incorrect_mask normal,{k}" for k in (0, 1)]  # twice would be as if never
    source = file(tmp_path, "000001,age,61,2", *lines, header="path_or_id,field,value,fold")
    frame = correct(manifest, source, None)
    assert frame["age"].max() == 61
    changed = frame["mask"] != manifest.frame["mask"]
    assert changed.sum() == 2 and set(frame.loc[changed, "group"]) == {"000002_x_Asian_25"}


def test_applying_what_other_folds_models_found_leaks(tmp_path):
    """Labels are noise and everybody has a double in another fold: nothing can be learnt, unless it is told.

    The model is the nearest neighbour, a suspect whoever it contradicts. Judged out of fold, a person is corrected to
    what the double is labelled, and the double is then predicted from that: all right. Judged by the models of the fold
    whose training part the correction is for, nobody has heard of the double's label.
    """
    rng, count, folds, classes = np.random.default_rng(0), 120, 3, ("a", "b", "c", "d")
    place = np.repeat(rng.random((count // 2, 2)), 2, axis=0) + rng.normal(0, 1e-4, (count, 2))
    labels, pair, second = rng.integers(0, 4, count), np.arange(count) // 2, np.arange(count) % 2
    fold = ((pair + second * (1 + pair // folds % 2)) % folds).astype(np.int8)
    names = np.array([f"{i:03}.jpg" for i in range(count)])
    frame = pd.DataFrame({"image": names, "group": names, "extra": False, "label": labels, "bytes": 1})
    manifest, made = Manifest(tmp_path, "generic", frame, classes), Folds(fold, np.ones(count, bool), folds)

    def nearest(rows, known, asked):
        far = ((place[rows][None] - place[asked][:, None]) ** 2).sum(2)
        far[np.equal.outer(asked, rows)] = np.inf  # of oneself one has no doubts
        return known[rows][far.argmin(1)]

    def scored(source):
        config = TrialConfig(rows=RowsConfig(corrections=source))
        right = np.zeros(count, bool)
        for k in range(folds):
            training, valid = training_rows(config, manifest, made, k), made.valid_rows(k)
            right[valid] = nearest(training.rows, training.labels, valid) == labels[valid]
        return right.mean()

    unseen, by_fold = [], []
    for k in range(folds):
        known, valid = made.train_rows(k), made.valid_rows(k)
        for rows, lines, end in ((valid, unseen, ""), (known, by_fold, f",{k}")):
            said = nearest(known, labels, rows)
            lines += [f"{names[r]},label,{classes[s]}{end}" for r, s in zip(rows, said, strict=True) if s != labels[r]]
    honest = scored(file(tmp_path, *by_fold, header="path_or_id,field,value,fold"))
    (tmp_path / "leaky").mkdir()
    assert scored(file(tmp_path / "leaky", *unseen)) > 0.95 and honest < 0.4 and scored("none") < 0.4


def test_a_line_changes_what_it_names_and_nothing_else(tmp_path):
    """A list of photos, applied as it is: a group with `given` changes its rows of that value, an image one row."""
    labels = [0, 0, 1, 0, 0, 1, 1, 2, 2, 2, 1, 0] * 3
    names = [f"i/{i:02}.png" for i in range(36)]
    groups = np.repeat([f"p{i}" for i in range(9)], 4)
    frame = pd.DataFrame({"image": names, "group": groups, "extra": False, "label": labels, "bytes": 1})
    manifest = Manifest(tmp_path, "generic", frame, ("a", "b", "c"))
    header = "path_or_id,field,value,score,given,agree"
    lines = [f"{names[3 * i]},label,{'abc'[(labels[3 * i] + 1) % 3]},1.0,{'abc'[labels[3 * i]]},1/1" for i in range(12)]
    found = correct(manifest, file(tmp_path, *lines, header=header))
    changed = np.flatnonzero(found["label"] != frame["label"])
    assert changed.tolist() == list(range(0, 36, 3)) and set(found["label"]) == {0, 1, 2}
    there = "path_or_id,field,value,Given"
    found = correct(manifest, file(tmp_path, "p0,label,c,a", "p2,label,a,b", "p2,label,b,a", header=there))
    assert found["label"].tolist()[:12] == [2, 2, 1, 2, *labels[4:8], 2, 2, 0, 1]
    assert (correct(manifest, file(tmp_path, "p0,label,c"))["label"][:4] == 2).all()
    source = file(tmp_path, "p2,drop,,c", header=there)
    assert np.flatnonzero(left_out(manifest, source)).tolist() == [8, 9]
    alone = replace(manifest, frame=frame.assign(image=[n[2:] for n in names], group=[n[2:] for n in names]))
    with pytest.raises(InputError, match=r"path_or_id '\./b/00\.png' names no row"):  # 00.png is another photo
        correct(alone, file(tmp_path, "./b/00.png,label,c"))
    with pytest.raises(InputError, match="line 2: no row of 'p0' has label 'c'"):
        correct(manifest, file(tmp_path, "p0,label,b,c", header=there))
    with pytest.raises(InputError, match="line 2: received given 'd'; allowed: a, b, c"):
        correct(manifest, file(tmp_path, "p0,label,b,d", header=there))


def test_given_of_a_column_of_numbers_is_a_band_or_a_number(tmp_path):
    manifest = people((25, 45, 61))
    for given, changed in (("<30", 7), ("25", 7)):
        source = file(tmp_path, f"000000,age,31,{given}", header="path_or_id,field,value,given")
        assert (correct(manifest, source)["age"] == 31).sum() == changed
    with pytest.raises(InputError, match="no row of '000001' has age '46'"):
        correct(manifest, file(tmp_path, "000001,age,31,46", header="path_or_id,field,value,given"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{image},gender,male,,", " {image} ,gender,female,,"),
        ("000000,gender,male,,", "{group},gender,female,,"),
        ("{image},gender,male,,", "{image},gender,female,,1"),
        ("000000,age,41,25,", "000000,age,61,,"),
    ],
)
def test_lines_contradict_by_the_rows_that_they_name(tmp_path, one, other):
    """However the rows are called, in whichever order: the last line won, without a word."""
    manifest = people((25, 45))
    known = {"image": manifest.frame["image"][0], "group": manifest.frame["group"][0]}
    for lines in ((one, other), (other, one)):
        source = file(tmp_path, *(line.format(**known) for line in lines), header="path_or_id,field,value,given,fold")
        with pytest.raises(InputError, match=r"line 3: received .* which an earlier line makes"):
            correct(manifest, source)
    apart = ("{image},gender,male,,0", "{image},gender,female,,1")  # of two folds
    lines = [line.format(**known) for line in apart]
    correct(manifest, file(tmp_path, *lines, header="path_or_id,field,value,given,fold"))


def test_lines_that_contradict_or_are_of_no_fold_are_refused(tmp_path):
    manifest = people((25, 45))
    name = manifest.frame["image"][0]
    with pytest.raises(InputError, match=r"line 3: received gender 'female' .* earlier line makes 'male'; allowed"):
        correct(manifest, file(tmp_path, f"{name},gender,male", f"{name},gender,female"))
    correct(manifest, file(tmp_path, f"{name},gender,male", f"{name},gender,male", "000000,gender,female"))
    for lines in ((f" {name} ,gender,female", "000000,gender,male"), ("000000,gender,male", f"{name},gender,female")):
        assert correct(manifest, file(tmp_path, *lines))["gender"].tolist() == [
            1,
            *[0] * 6,
            1,
            *[1] * 6,
        ]  # an image above
    for near in ("folds", "Givn"):  # a line of one fold would hold in all
        with pytest.raises(InputError, match=f"received column '{near}', nearly"):
            correct(manifest, file(tmp_path, f"{name},gender,male,1", header=f"path_or_id,field,value,{near}"))
    header = "path_or_id,field,value,fold"
    for fold, allowed in (("3", "0 to 2, the folds of this run"), ("\u00b2", "a fold's number, or nothing")):
        config = TrialConfig(rows=RowsConfig(corrections=file(tmp_path, f"{name},gender,male,{fold}", header=header)))
        with pytest.raises(InputError, match=f"received fold .*; allowed: {allowed}"):
            check_data(config, manifest, folds=3)


@pytest.mark.parametrize("key", ["000001_x_Asian_25", "image"])
def test_a_list_by_fold_that_was_made_on_other_folds_is_refused(tmp_path, key):
    """As many folds of another seed: each line would bring into a fold what models said that trained on its labels."""
    manifest = people((25,) * 6)
    groups = manifest.frame["group"].to_numpy(str)
    of = {group: number % 3 for number, group in enumerate(dict.fromkeys(groups))}
    fold = np.array([of[group] for group in groups], np.int8)
    folds = Folds(fold, np.ones(len(fold), bool), 3)
    name = manifest.frame["image"][int(np.flatnonzero(fold == 1)[0])] if key == "image" else key
    header = "path_or_id,field,value,fold"

    def rows(k, own):
        corrections = file(tmp_path, f"{name},gender,male,{k}", header=header)
        return training_rows(TrialConfig(rows=RowsConfig(corrections=corrections)), manifest, own, 0)

    for other in (0, 2):
        rows(other, folds)
    with pytest.raises(InputError, match=r"line 2: received fold 1 for .* lies in fold 1 of this run .* other folds"):
        rows(1, folds)
    rows(1, Folds.of_one_network(len(fold)))  # nothing is scored
