"""Further heads on the features of a run: fitted once, voting, predicting, moved along; without a leak."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import completed, generic_data, listing, prepared, refused, tiny

from ensembles.build import main as build
from ensembles.contributions import Contribution, harmful
from ensembles.kinds import FEATURES, HEADS, NETWORKS
from ensembles.members import fit_free_heads, free_heads, kind_of, load_members
from ensembles.nested import AUTO, evaluate_methods
from ensembles.oof import main as write_oof
from ensembles.predict import main as predict
from ensembles.what_adds import main as members
from trainable.config import FeaturesConfig, TrialConfig
from trainable.data.manifest import Manifest
from trainable.errors import InputError
from trainable.run import Run

FROZEN = tiny(
    model={"backbone": "test_resnet", "pretrained": False, "freeze": "body"}, head={"name": "lda", "shrinkage": 0.3}
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """24 groups of 4 photos in three shades: a head on features, and a network that was trained."""
    folder = tmp_path_factory.mktemp("heads")
    made = prepared(generic_data(folder / "data", people=24, each=4), folder / "run", folds=3)
    completed(made, FROZEN)
    completed(made, tiny())
    return made


def test_a_build_fits_them_once_and_they_go_where_the_run_goes(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert build([str(run.root), "--name", "whole", "--method", "geometric_mean"]) == 0
    assert "heads: 4 further heads on 1 table of features" in capfd.readouterr().out  # lda .3 is a trial already
    found = load_members([run.root, run.heads])
    assert [kind_of(m) for m in found.members].count(HEADS) == 4
    assert {kind_of(m) for m in found.members} == {HEADS, FEATURES, NETWORKS}
    assert len({f.read_bytes() for f in run.root.rglob("inputs/*.safetensors")}) == 1
    before = listing(run.heads)
    assert members([str(run.root)]) == 0
    out = capfd.readouterr().out
    assert "heads:" not in out and listing(run.heads) == before
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert rows["all"][0] == "6" and rows["networks"][0] == rows["features"][0] == "1" and rows["heads"][0] == "4"
    assert out.splitlines()[-1].endswith(f"ensembles.build {run.root}")
    assert write_oof([str(run.root), "--csv", str(tmp_path / "tables")]) == 0
    assert "of 2 trials and of 4 further heads that builds fitted" in capfd.readouterr().out
    trials = {kind: {f.stem[4:] for f in (tmp_path / "tables").glob(f"{kind}_*")} for kind in ("oof", "sub")}
    voted = {name.split("/")[1] for name in run.ensemble("whole").test()["members"].tolist()}
    assert len(trials["oof"]) == 6 and trials["sub"] == voted
    photos = run.manifest.root / "test"
    moved = shutil.copytree(run.root, tmp_path / "run")
    for root in (run.root, moved):
        out_file = tmp_path / f"{root.parent.name}.csv"
        assert predict([str(root / "ensembles" / "whole"), str(photos), "--out", str(out_file)]) == 0
    shutil.rmtree(moved)


@pytest.mark.parametrize(("adds", "left_out"), [((0.1, -0.03, -0.05), ["heads"]), ((0.1, -0.01, 0.0), [])])
def test_a_kind_that_harms_by_over_a_standard_error_is_left_out_of_the_next_command(
    adds: tuple[float, ...], left_out: list[str]
) -> None:
    kinds = ("networks", "features", "heads")
    found = [Contribution(kind, 2, 0.5, 0.5, by, 0.02) for kind, by in zip(kinds, adds, strict=True)]
    assert [c.kind for c in harmful([Contribution(None, 6, 0.5, 0.5), *found])] == left_out


@pytest.mark.parametrize(("beside", "weighed"), [((), 2), (("test_efficientnet 32x32",), 0)])
def test_two_networks_side_by_side_get_no_heads_that_cost_a_gram_matrix_a_class(
    run: Run, monkeypatch: pytest.MonkeyPatch, beside: tuple[str, ...], weighed: int
) -> None:
    monkeypatch.setattr(free_heads, "MOST_GRAMS", len(run.info.classes) * run.info.folds)
    (source,) = free_heads._sources(run)
    config = replace(source.config, features=FeaturesConfig(beside=beside))
    made = [*free_heads._configs(SimpleNamespace(config=config), run)]  # type: ignore[arg-type]
    assert len([c for c in made if c.loss.class_weights != "none"]) == weighed and len(made) >= 2 + weighed


def test_they_are_left_out_where_that_is_asked(run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    copy = Run(shutil.copytree(run.root, tmp_path / "run", ignore=shutil.ignore_patterns("heads", "ensembles")))
    assert build([str(copy.root), "--without", "heads", "features", "--method", "best_single"]) == 0
    assert not copy.heads.exists()
    (network,) = copy.ensembles()[0].summary()["candidates"]
    assert network == f"run/{copy.identify(tiny())}"
    said = refused(capfd, build, copy.root, "--without", "heads", "features", "networks")
    assert said.endswith("which leaves no member; allowed: fewer kinds")
    copy.trial(copy.identify(FROZEN)).fold(0).weights.unlink()
    assert fit_free_heads(copy) is None, "a trial whose files are gone has no table"


def test_one_that_cannot_be_fitted_is_named_and_takes_no_other_with_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each class has one photo in training there is nothing that a discriminant could shrink."""
    copy = Run(shutil.copytree(run.root, tmp_path / "run", ignore=shutil.ignore_patterns("heads", "ensembles")))
    fit = free_heads._fit

    def singular(own: Run, config: TrialConfig) -> None:
        if config.head.name == "lda":
            raise InputError("head.shrinkage: received 0.3, which leaves\nthe covariance singular; allowed: more")
        fit(own, config)

    monkeypatch.setattr(free_heads, "_fit", singular)
    said: list[str] = []
    heads = fit_free_heads(copy, said.append)
    assert heads is not None
    assert sorted({t.config.head.name for t in heads.trials() if t.finished}) == ["knn", "ridge"]
    assert said[1:] == [
        "warning: 1 head (lda) left out: head.shrinkage: received 0.3, which leaves the covariance singular; "
        "allowed: more"
    ]


def test_permuted_labels_gain_nothing_by_them(run: Run, tmp_path: Path) -> None:
    """Labels are dealt anew to whole groups: the whole way of a build, heads and choice of method, is at chance."""
    frame = run.manifest.frame.copy()
    names = frame["group"].unique()
    dealt = np.random.default_rng(0).permutation(frame.groupby("group")["label"].first())
    frame["label"] = frame["group"].map(dict(zip(names, dealt, strict=True)))
    manifest = Manifest(run.manifest.root, "generic", frame, run.manifest.classes)
    other = Run(tmp_path / "run")
    other.begin(replace(run.experiment, manifest=manifest), command=[], settings={})
    completed(other, FROZEN)
    heads = fit_free_heads(other)
    assert heads is not None
    found = load_members([other.root, heads.root])
    evaluation = evaluate_methods(found.probabilities, found.labels, found.fold, found.groups, metric="accuracy")
    nested = next(row.nested for row in evaluation.rows if row.method == AUTO)
    assert nested < 1 / 3 + 3 * np.sqrt(2 / 9 / len(names))
