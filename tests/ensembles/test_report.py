"""report.html of a finished run; the browser looks at it in test_browser."""

from __future__ import annotations

import base64
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import optuna
import pytest
from helpers import completed, refused, tiny

from ensembles.build import main as build
from ensembles.report.command import main
from ensembles.report.ensemble import space_file
from ensembles.report.facts import read_facts
from ensembles.report.space import scales_of
from ensembles.report.write import SECTIONS, write_report
from search.space import DataFacts
from search.space_file import load_space
from trainable.run import Run, prepare
from trainable.run.search_record import Parameter, Rung, SearchRecord, TrialCourse


@pytest.fixture(scope="module")
def page(finished: Run) -> str:
    return write_report(finished.root).read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_section_is_drawn(page: str) -> None:
    for name, (title, _) in SECTIONS.items():
        assert f'<section id="{name}"><h2>{title}</h2><div class="parts"><div class="part' in page, name
    assert "could not be drawn" not in page


@pytest.mark.slow
def test_nothing_is_asked_of_any_network(page: str) -> None:
    addresses = re.findall(r'(?:src|href)="?([^"\s>]+)', page)
    assert addresses
    assert all(a.startswith(("data:", "#")) for a in addresses)
    assert "http" not in re.sub(r"data:[^\"]+", "", page)


@pytest.mark.slow
def test_every_chart_has_axes_a_title_and_how_to_read_it(page: str) -> None:
    charts = re.findall(
        r'<h3>(.+?)</h3><img alt="(.+?)" src="data:image/svg\+xml;base64,(.+?)"><p class="read">(.*?)</p>', page
    )
    assert len(charts) >= 12
    for title, alt, svg, read in charts:
        assert len(title) > 10
        assert alt
        assert len(read.split()) > 15, title
        root = ET.fromstring(base64.b64decode(svg))
        assert len(list(root.iter("{http://www.w3.org/2000/svg}text"))) > 3, title


@pytest.mark.slow
def test_members_can_be_trained_again_from_the_page(finished: Run, tmp_path: Path) -> None:
    facts = read_facts(finished.root)
    data = DataFacts.of(facts.manifest)
    for trial in facts.complete:
        path = tmp_path / f"{trial.id}.py"
        path.write_text(space_file(facts, trial), encoding="utf-8")
        space = load_space(path)
        config = space.config(optuna.trial.FixedTrial({}), data)
        assert config == trial.config
        assert facts.run.identify(config) == trial.id
        assert space.search.folds == 2


@pytest.mark.slow
def test_weights_are_those_of_the_ensemble(finished: Run) -> None:
    facts = read_facts(finished.root)
    assert facts.ensemble is not None
    assert sum(facts.weights.values()) == pytest.approx(1)
    assert set(facts.weights) == {m["trial"] for m in facts.ensemble["members"]}
    assert facts.vote_score == pytest.approx(facts.ensemble["oof_score"], abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["log_pool"])
def test_vote_is_what_the_method_makes_of_its_members(finished: Run, sample: Path, tmp_path: Path, method: str) -> None:
    run = tmp_path / "seen"
    shutil.copytree(finished.root, run)
    assert build([str(run), "--name", "other", "--method", method, "--data", str(sample)]) == 0
    facts = read_facts(run)
    assert facts.ensemble is not None and facts.ensemble["method"] == method
    assert facts.vote_score == pytest.approx(facts.ensemble["oof_score"], abs=1e-6)
    mean = sum(facts.weights[c.id] * c.probabilities for c in facts.complete if c.id in facts.weights)
    assert not np.allclose(facts.vote, mean, atol=1e-3)


def by_hand(data: Path, folder: Path, trials: int = 1) -> Run:
    """A run as `trainable.train` leaves it."""
    run = Run(folder / "run")
    run.begin(prepare(data, folds=2, seed=0, store_size=(32, 32)), command=["test"], settings={"epochs": 1})
    for seed in range(trials):
        completed(run, tiny(seed=seed))
    return run


def test_run_without_a_search_still_has_a_report(generic: Path, tmp_path: Path) -> None:
    text = write_report(by_hand(generic, tmp_path).root).read_text(encoding="utf-8")
    assert "This run has no search" in text
    assert "No class that is predicted is cut from a column of numbers" in text
    assert "could not be drawn" not in text


def test_report_of_a_search_that_goes_on_says_what_is_still_to_come(generic: Path, tmp_path: Path) -> None:
    run = by_hand(generic, tmp_path)
    run.study.touch()
    assert "The search leaves this when it ends." in write_report(run.root).read_text(encoding="utf-8")


def test_record_is_drawn_without_the_search(generic: Path, tmp_path: Path) -> None:
    """Twelve trials made by hand, two of them complete: every chart of the search, conditional parameters included."""
    run = by_hand(generic, tmp_path, trials=2)
    names = [trial.id for trial in run.trials()] + [f"other{i}" for i in range(10)]
    rng = np.random.default_rng(0)
    courses = []
    for number, name in enumerate(names, start=1):
        loss = ("cross_entropy", "focal")[number % 2]
        parameters = {"loss": loss, "lr": float(10 ** rng.uniform(-4, -2)), "heads": 1 + number % 3}
        parameters |= {"gamma": float(rng.uniform(1, 3))} if loss == "focal" else {}
        state, scores = ("complete", {1: 0.6, 2: 0.7}) if number < 3 else ("stopped", {1: 0.3 + 0.02 * number})
        score = 0.65 if state == "complete" else float("nan")
        courses.append(TrialCourse(name, number, state, score, parameters, scores))  # type: ignore[arg-type]
    failed = TrialCourse("failed", 13, "failed", float("nan"), {"loss": "focal"}, {}, "OSError: no")
    run.write_search(
        SearchRecord(
            trials=[*courses, failed],
            rungs=[Rung(1, {c.trial: c.scores[1] for c in courses} | {"nan": float("nan")}, tuple(names[:2]))],
            fold_scores={name: [0.6, 0.7] for name in names[:2]},
            importances={"lr": 0.7, "loss": 0.3},
            parameters={
                "loss": Parameter("choice", choices=("cross_entropy", "focal")),
                "lr": Parameter("float", 1e-4, 1e-2, log=True),
                "heads": Parameter("int", 1, 3),
                "gamma": Parameter("float", 1.0, 3.0),
                "alone": Parameter("choice", choices=("always",)),
            },
        )
    )
    facts = read_facts(run.root)
    assert facts.record == run.search()
    assert list(scales_of(facts.record)) == ["loss", "lr", "heads", "gamma"]
    text = write_report(run.root).read_text(encoding="utf-8")
    assert "could not be drawn" not in text and "has no search" not in text
    for shown in (
        "How much each parameter decides: lr most",
        "The race spent 14 epochs",
        "13</b><span>trials: 2 complete",
    ):
        assert shown in text


def test_folder_that_is_no_run_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "no run: received" in refused(capfd, main, tmp_path)


def test_report_reads_a_run_that_has_no_complete_trial(generic: Path, tmp_path: Path) -> None:
    text = write_report(by_hand(generic, tmp_path, trials=0).root).read_text(encoding="utf-8")
    assert "No trial has finished all folds yet" in text
    assert "could not be drawn" not in text
