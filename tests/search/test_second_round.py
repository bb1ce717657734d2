"""Pseudo labels from the command line: the same folds, what each fold's own models say, kept on resume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import refused, space_file
from inline import interrupt_after, searched

from ensembles.build import main as build
from ensembles.methods import load
from search.pseudo_labels import first_round
from search.run import main as search
from search.space import Search
from trainable.data.rows import training_rows
from trainable.errors import InputError
from trainable.run import Run

SURE = "0.065"  # networks of two epochs are hardly surer than 1 in 18
SPACE = """
from search.space import Search

SEARCH = Search(trials=2, folds=3, epochs=2, store_size=(32, 24), members=2, rule="none")


def space(trial, data):
    return {
        "model": {"backbone": "test_resnet", "pretrained": False},
        "input": {"size": (32, 32)},
        "optim": {"lr": trial.suggest_float("lr", 3e-3, 1e-2, log=True)},
    }
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return space_file(tmp_path_factory.mktemp("spaces"), SPACE)


@pytest.fixture(scope="module")
def first(sample: Path, space: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A first round with its vote."""
    out = tmp_path_factory.mktemp("rounds")
    assert searched(space, "--data", sample, "--out", out) == 0
    run = Run(out / "tiny")
    assert build([str(run.root), "--name", "vote", "--method", "mean_top5", "--no-persons"]) == 0
    return run


@pytest.fixture
def again(first: Run, space: Path) -> list[object]:
    return [space, "--out", first.root.parent, "--pseudo", first.ensemble("vote").root]


def test_second_round_learns_from_each_folds_own_models(
    first: Run, again: list[object], space: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [*again, "--threshold", SURE]
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, 1)
        assert searched(*words) == 130
    assert searched(*words, "--resume") == 0
    second = Run(first.root.parent / "tiny_round2")
    out = capfd.readouterr().out.splitlines()
    assert out[-1] == f"next: python -m ensembles.build {second.root}"
    record = second.info.pseudo
    assert record is not None
    assert record["ensemble"] == str(first.ensemble("vote").root) and record["threshold"] == float(SURE)

    old, new = first.experiment, Run(second.root).experiment
    count = len(old.manifest.frame)
    assert np.array_equal(new.folds.fold[:count], old.folds.fold)
    for k in range(3):
        assert np.array_equal(new.folds.valid_rows(k), old.folds.valid_rows(k))
    table, summary = first.ensemble("vote").test(), first.ensemble("vote").summary()
    names = table["members"].tolist()
    weights = {f"{Path(m['run']).name}/{m['trial']}": m["weight"] for m in summary["members"]}
    of_image = dict(zip(table["images"].tolist(), range(len(table["images"])), strict=True))
    config = second.trials()[0].config
    added = []
    for k in range(3):
        mean = sum(w * table["probabilities"][names.index(n), k] for n, w in weights.items()) / sum(weights.values())
        sure = {image: mean[i] for image, i in of_image.items() if mean[i].max() >= float(SURE)}
        found = training_rows(config, new.manifest, new.folds, k)
        extra = found.rows[found.rows >= count]
        assert np.array_equal(found.soft.rows, extra)
        images = new.manifest.frame["image"].iloc[extra].tolist()
        assert set(images) == set(sure)
        np.testing.assert_allclose(found.soft.shares, [sure[image] for image in images], atol=1e-6)
        assert np.array_equal(found.labels[extra], found.soft.shares.argmax(1))
        added.append(len(sure))
    assert record["photos_by_fold"] == added and min(added) > 0
    assert len(second.trials()[0].oof().index) == count, "pseudo rows are never scored"

    # Both rounds are of the same data and folds: they may vote together.
    assert build([str(first.root), str(second.root), "--method", "mean_top5", "--no-persons", "--name", "both"]) == 0
    assert {Path(m["run"]).name for m in first.ensemble("both").summary()["members"]} == {
        "tiny",
        second.root.name,
    }

    resumed = [space, "--out", first.root.parent, "--name", second.root.name, "--resume"]
    assert f"--threshold 0.5; allowed: {SURE}" in refused(capfd, search, *words[:-1], "0.5", "--resume")
    assert searched(*resumed) == 0  # the run directory knows its pseudo labels
    # A third round starts from the labelled photos again.
    assert build([str(second.root), "--method", "mean_top5", "--no-persons", "--name", "vote"]) == 0
    third = [space, "--out", first.root.parent, "--name", "third", "--pseudo", second.ensemble("vote").root]
    assert search([str(w) for w in [*third, "--threshold", SURE, "--dry-run"]]) == 0
    assert "168 images of 24 groups" in capfd.readouterr().out


@pytest.mark.parametrize("method", ["stacking", "log_pool", "hard_vote", "auto"])
def test_what_is_taught_is_what_the_ensembles_own_method_says(first: Run, method: str) -> None:
    """Not the members' weighted mean, whatever their weights are; of fold k's models alone."""
    assert build([str(first.root), "--name", f"by {method}", "--method", method, "--no-persons"]) == 0
    folder = first.ensemble(f"by {method}")
    summary, table = folder.summary(), folder.test()
    names = table["members"].tolist()
    used = [names.index(f"{Path(m['run']).name}/{m['trial']}") for m in summary["members"]]
    weights = np.array([m["weight"] for m in summary["members"]])
    fitted, told = load(summary["method"], summary["parameters"]), first_round(folder.root, 1e-6, 3, None).told
    of_candidate = np.flatnonzero(np.array(summary["parameters"]["weights"]) > 0)
    means = []
    for k in range(3):
        alone = table["probabilities"][used, k]
        np.testing.assert_allclose(told[:, k], fitted.apply_to_used(alone, of_candidate), atol=1e-6)
        means.append(np.tensordot(weights, alone, 1))
    assert np.abs(told - np.stack(means, 1)).max() > 1e-3
    np.testing.assert_allclose(told.sum(2), 1, atol=1e-5)


def test_thresholds_by_attribute_are_planned_and_nothing_is_written(
    first: Run, again: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    assert search([str(w) for w in [*again, "--name", "plan", "--threshold", "mask=.4,age=.35", "--dry-run"]]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert any(line.startswith("pseudo labels: ") and "mask=0.4,age=0.35" in line for line in lines)
    assert not (first.root.parent / "plan").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threshold", "0.999"], "--threshold: received 0.999, and no test photo is so sure; allowed: less"),
        (["--threshold", "1.5"], "threshold: received 1.5; allowed: above 0 and at most 1"),
        (["--threshold", "sure"], "received 'sure'; allowed: 0.9, or such as sort=.98,size=.6"),
        (["--threshold", "mask=x"], "received 'mask=x'; allowed: 0.9, or such as sort=.98,size=.6"),
        (["--threshold", "hair=.9"], "threshold: received hair; allowed: mask, gender, age"),
        (["--data", "elsewhere"], "--data: received elsewhere; allowed: "),
    ],
)
def test_wrong_words_are_one_line(
    first: Run, again: list[object], capfd: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert message in refused(capfd, search, *again, "--name", "wrong", *words)
    assert not (first.root.parent / "wrong").exists()


def test_an_ensemble_that_cannot_teach_is_refused(
    first: Run, again: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    *before, _ = again
    assert "no ensemble: received" in refused(capfd, search, *before, first.root.parent, "--name", "x")
    more = space_file(tmp_path, SPACE.replace("folds=3", "folds=4"))
    assert "SEARCH.folds: received 4; allowed: 3, the folds of the first round" in refused(
        capfd, search, more, *again[1:], "--name", "x"
    )
    vote, leaky = first.ensemble("vote"), first.ensemble("leaky")
    summary, table = vote.summary(), vote.test()
    leaky.root.mkdir()
    leaky.write_test(**table)
    members = [{**m, "all_rows": True} for m in summary["members"]]
    leaky.finish(vote.oof(), {**summary, "members": members})
    line = refused(capfd, search, *before, leaky.root, "--name", "x")
    assert "of networks of all rows, which know the labels of every fold; allowed: an ensemble of fold models" in line
    leaky.finish(vote.oof(), summary)
    leaky.write_test(**{**table, "digests": table["digests"][::-1]})
    line = refused(capfd, search, *before, leaky.root, "--name", "x", "--threshold", SURE)
    assert "of other content than" in line and "allowed: the test photos as they were" in line
    teacher = first_round(vote.root, float(SURE), 3, None)
    other = replace(teacher, experiment=replace(teacher.experiment, content="other"))
    with pytest.raises(InputError, match=r"photos below .* have changed since the first round"):
        other.teach(Search(store_size=(16, 16)), {})
    leaky.write_test(**{**table, "images": table["images"][::-1]})
    leaky.finish(vote.oof(), summary)
    assert "built on other photos than" in refused(capfd, search, *before, leaky.root, "--name", "x")
