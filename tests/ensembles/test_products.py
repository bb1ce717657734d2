"""Runs that predict one attribute each, multiplied."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import begun, prepared, refused, tiny
from safetensors.numpy import save

import ensembles.predict_members
from ensembles.build import main
from ensembles.ensemble import read_ensemble
from ensembles.members import Member, load_members, multiply
from trainable.data.attributes import Attribute, Attributes
from trainable.data.layouts.competition import CLASSES, MADE_OF
from trainable.images.store import ImageStore
from trainable.metrics import macro_f1
from trainable.run import Predictions, Run, TrialResult


def attribute_run(data: Path, folder: Path, target: str, trials: int) -> dict[str, np.ndarray]:
    """A run that predicts one attribute, untrained: the out-of-fold probabilities of each trial."""
    run = prepared(data, folder)
    labels, size = MADE_OF.decode(run.manifest.labels)[target], len(MADE_OF[target].values)
    tables = {}
    for number in range(trials):
        random = np.random.default_rng([number, len(target)])
        logits = random.normal(0, 1, (len(labels), size)) + (1 + number) * np.eye(3)[labels][:, :size]
        table = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
        trial = begun(run, tiny(target=target, seed=number))
        oof = Predictions(np.arange(len(labels)), table, labels, run.folds.fold, MADE_OF[target].values)
        for k in range(2):
            seen = {"statistics": [[0.0] * 3, [1.0] * 3], "micro_batch": 8, "seconds": 1.0, "seconds_with_setup": 1.0}
            trial.fold(k).finish(save({"weight": np.zeros(1)}), oof, fold=k, epochs=1, score=0.5, **seen)
        trial.finish(
            oof,
            TrialResult(
                trial=trial.id,
                metric="macro_f1",
                oof_score=0.5,
                later_folds_score=0.5,
                fold_scores=(0.5, 0.5),
                accuracies={},
                epochs_done=2,
                seconds=1.0,
                micro_batch=8,
                device="cpu",
                threads=1,
                finished_at="",
            ),
        )
        tables[trial.id] = table
    return tables


@pytest.fixture(scope="module")
def attributes(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, np.ndarray]]]:
    """{attribute: (run, tables of its trials)}; gender has two trials, the second one better."""
    folder = tmp_path_factory.mktemp("products") / "runs"
    counts = {"mask": 1, "gender": 2, "age": 1}
    return {a: (folder / a, attribute_run(sample, folder / a, a, count)) for a, count in counts.items()}


def test_trials_of_single_attributes_are_multiplied_rank_by_rank(
    attributes: dict[str, tuple[Path, dict[str, np.ndarray]]], capfd: pytest.CaptureFixture[str]
) -> None:
    members = load_members([run for run, _ in attributes.values()])
    assert len(members.members) == 2  # as many as the attribute with most trials has
    best = members.members[0]
    tables = {name: tables for name, (_, tables) in attributes.items()}
    ids = {name: list(tables[name]) for name in tables}
    assert best.name == f"mask/{ids['mask'][0]} x gender/{best.times[0].trial.id} x age/{ids['age'][0]}"
    truth, given = MADE_OF.decode(members.labels)["gender"], tables["gender"]
    good = max(ids["gender"], key=lambda i: macro_f1(truth, given[i].argmax(1), 2))
    assert best.times[0].trial.id == good  # ranked by their own scores
    joint = members.probabilities.reshape(2, -1, 3, 2, 3)
    assert joint.sum((3, 4))[0] == pytest.approx(tables["mask"][ids["mask"][0]], abs=1e-5)
    assert joint.sum((2, 4))[0] == pytest.approx(tables["gender"][good], abs=1e-5)
    assert (members.labels == Run(attributes["mask"][0]).manifest.labels).all()
    assert members.classes == CLASSES
    assert best.oof_score == macro_f1(members.labels, members.probabilities[0].argmax(1), 18)
    said = refused(capfd, main, attributes["mask"][0], attributes["gender"][0])
    assert "received none of age" in said


@pytest.mark.slow
def test_products_are_built_and_read_back(
    attributes: dict[str, tuple[Path, dict[str, np.ndarray]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(member: Member, store: ImageStore, classes: int, *rest: object) -> np.ndarray:
        assert classes == len(MADE_OF[member.target].values)
        random = np.random.default_rng([int(member.trial.id, 16), len(member.target)])
        return random.dirichlet(np.ones(classes), (2, len(store.names))).astype(np.float32)

    monkeypatch.setattr(ensembles.predict_members, "predict_member", predict)
    runs = [run for run, _ in attributes.values()]
    assert main([*map(str, runs), "--name", "e", "--method", "mean_top5"]) == 0
    folder = Run(attributes["mask"][0]).ensemble("e")
    test = folder.test()
    assert test["classes"].tolist() == list(CLASSES)
    assert test["probabilities"].shape[:2] == (2, 2) and test["probabilities"].sum(3) == pytest.approx(1, abs=1e-5)
    answers = pd.read_csv(folder.submission)["ans"]
    assert answers.between(0, 17).all() and len(answers) == 8 * 7
    (member, *_) = folder.summary()["members"]
    assert [Path(f["run"]).name for f in member["times"]] == ["gender", "age"]
    (read, *_) = read_ensemble(folder.root).members
    assert [factor.target for factor in read.factors] == ["mask", "gender", "age"]


def test_product_of_probabilities() -> None:
    random = np.random.default_rng(0)
    mask, gender, age = (random.dirichlet(np.ones(n), (2, 4)) for n in (3, 2, 3))
    joint = multiply([mask, gender, age], MADE_OF)
    assert joint.shape == (2, 4, 18)
    assert joint[1, 2, 6 * 2 + 3 * 1 + 0] == pytest.approx(mask[1, 2, 2] * gender[1, 2, 1] * age[1, 2, 0])
    assert multiply([joint], MADE_OF) is joint


@pytest.mark.parametrize("sure", [1.0, 1 - 1e-7])
def test_attributes_that_are_sure_of_a_product_that_is_no_class(sure: float) -> None:
    made_of = Attributes((Attribute("sort", ("fir", "oak")), Attribute("size", ("big", "small"))), cells=(0, 2, 3))
    sort = np.array([[[sure, 1 - sure], [0.5, 0.5]]], np.float32)  # fir, and small of which there is none
    size = np.array([[[0, 1], [0.25, 0.75]]], np.float32)
    joint = multiply([sort, size], made_of)
    assert joint.sum(-1) == pytest.approx(1)
    assert joint[0, 0, 0] + joint[0, 0, 2] == pytest.approx(1, abs=1e-4)  # fir big and oak small, not oak big
    assert joint[0, 1] == pytest.approx([0.2, 0.2, 0.6])
