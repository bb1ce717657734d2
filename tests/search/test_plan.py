"""What a search would do, found out before any worker starts."""

from pathlib import Path

import pytest
from helpers import SPACE, space_file

from search.plan import DRAWS, make_plan
from search.run import main as search
from search.space import DataFacts
from search.space_file import load_space
from trainable.data.folds import make_folds
from trainable.data.layouts import read_manifest
from trainable.errors import InputError

FACTS = DataFacts(24, 12, ("a", "b", "c"), ())


def test_plan_draws_configurations_and_builds_their_networks(generic: Path, tmp_path: Path) -> None:
    text = SPACE.replace("members=1", "members=1, first=({'lr': 0.004},)")
    space = load_space(space_file(tmp_path, text))
    plan = make_plan(space, read_manifest(generic))
    assert len(plan.configs) == DRAWS
    assert plan.configs[0].optim.lr == 0.004
    assert plan.pretrained == []
    assert 0.5 < plan.megabytes["test_resnet"] < 5
    lines = "\n".join(plan.lines(space, FACTS))
    for part in ("24 images of 12 groups, 3 classes", "2 trials, 2 folds of 1 epoch,", "test_resnet", "GB"):
        assert part in lines


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ('"size": (32, 32)', []),
        ('"size": (40, 32)', []),
        (
            '"size": (48, 32)',
            ["48x32 (height x width) shows most photos 1.50 times too high; 48x48 in a space of your own would not"],
        ),
        (
            '"size": (32, 64)',
            ["32x64 (height x width) shows most photos 2.00 times too wide; 32x32 in a space of your own would not"],
        ),
        ('"size": (48, 32), "crop": (0.9, 0.6)', []),
    ],
)
def test_plan_warns_of_a_size_of_another_aspect(generic: Path, tmp_path: Path, size: str, told: list[str]) -> None:
    """The photos are squares."""
    space = load_space(space_file(tmp_path, SPACE.replace('"size": (32, 32)', size)))
    manifest = read_manifest(generic)
    notes = [line for line in make_plan(space, manifest).lines(space, FACTS) if line.startswith("note: ")]
    assert [note.removeprefix("note: input.size ") for note in notes] == told


def test_plan_says_what_the_data_cannot_carry(generic: Path) -> None:
    space = load_space(Path(__file__).parents[2] / "spaces" / "full.py")
    manifest = read_manifest(generic)
    lines = make_plan(space, manifest).lines(space, DataFacts.of(manifest))
    left_out = next(line for line in lines if line.startswith("parameters left out"))
    assert "old_cut" in left_out


def test_configuration_that_the_data_cannot_carry_is_refused_by_name(generic: Path) -> None:
    space = load_space(Path(__file__).parents[2] / "spaces" / "recipes" / "efficientnet_ovo.py")
    with pytest.raises(InputError, match="the data have no column mask"):
        make_plan(space, read_manifest(generic))


def test_choices_that_leave_a_fold_without_a_class_are_said_before_anything_trains(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Only the trial found out: corrections, say, that a list by fold empties a class with in one fold."""
    manifest = read_manifest(generic)
    trains = make_folds(manifest, 2, 0).fold != 1
    owls = manifest.frame["image"][(manifest.labels == 2) & trains]
    lines = [f"{image},drop,,1" for image in owls]
    (tmp_path / "c.csv").write_text("\n".join(["path_or_id,field,value,fold", *lines]), encoding="utf-8")
    rows = '"batch_size": 8, "rows": {"corrections": trial.suggest_categorical("c", ["none", CSV])}'
    text = SPACE.replace('"batch_size": 8', rows).replace(
        "def space", f"CSV = {str(tmp_path / 'c.csv')!r}\n\n\ndef space"
    )
    begun = ["--data", generic, "--out", tmp_path / "runs", "--executor", "inline", "--no-features", "--dry-run"]
    assert search([str(word) for word in (space_file(tmp_path, text), *begun)]) == 0
    said = capfd.readouterr().out
    assert "will fail: fold 1: rows: cuts, drops and corrections leave no training row of class2" in said
    text = text.replace('["none", CSV]', "[CSV]")
    assert search([str(word) for word in (space_file(tmp_path, text), *begun)]) == 2
    assert "error: fold 1: rows: cuts, drops and corrections leave no" in capfd.readouterr().err
    assert search([str(word) for word in (space_file(tmp_path, text), *begun[:-1])]) == 2
    assert not (tmp_path / "runs").exists()
