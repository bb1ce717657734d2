"""report.html of a finished run; the browser looks at it in test_browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from helpers import complete_run, refused
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from trainable.run.paths import RunPaths

from ensembles.build import main as build
from ensembles.report import write_report
from ensembles.report.__main__ import main
from ensembles.report.effects import effects
from ensembles.report.ensemble import space_file
from ensembles.report.facts import read_facts
from ensembles.report.write import SECTIONS
from search.ledger import STUDY, Ledger, read_trials
from search.space import DataFacts
from search.space_file import load_space
from trainable.config import TrialConfig
from trainable.files import read_json, write_json
from trainable.run.experiment import open_experiment


@pytest.fixture(scope="module")
def page(finished: RunPaths) -> str:
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
def test_members_can_be_trained_again_from_the_page(finished: RunPaths, tmp_path: Path) -> None:
    facts = read_facts(finished.root)
    data = DataFacts.of(facts.experiment.manifest)
    for trial in facts.complete:
        path = tmp_path / f"{trial.trial}.py"
        path.write_text(space_file(facts, trial.trial, trial.config), encoding="utf-8")
        space = load_space(path)
        config = space.config(optuna.trial.FixedTrial({}), data)
        assert config == TrialConfig.from_dict(trial.config)
        assert config.trial_id(facts.experiment.folds.fingerprint()) == trial.trial
        assert space.search.folds == 2


@pytest.mark.slow
def test_weights_are_those_of_the_ensemble(finished: RunPaths) -> None:
    facts = read_facts(finished.root)
    assert facts.ensemble is not None
    assert sum(facts.weights.values()) == pytest.approx(1)
    assert set(facts.weights) == {m["trial"] for m in facts.ensemble["members"]}
    assert facts.vote_score == pytest.approx(facts.ensemble["oof_macro_f1"], abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["log_pool", "class_offsets"])
def test_vote_is_what_the_method_makes_of_its_members(
    finished: RunPaths, sample: Path, tmp_path: Path, method: str
) -> None:
    run = tmp_path / "seen"
    shutil.copytree(finished.root, run)
    assert build([str(run), "--name", "other", "--method", method, "--data", str(sample)]) == 0
    facts = read_facts(run)
    assert facts.ensemble is not None and facts.ensemble["method"] == method
    assert facts.vote_score == pytest.approx(facts.ensemble["oof_macro_f1"], abs=1e-6)
    mean = sum(facts.weights[c.trial] * c.probabilities for c in facts.complete if c.trial in facts.weights)
    assert not np.allclose(facts.vote, mean, atol=1e-3)


def by_hand(data: Path, folder: Path) -> Path:
    """A run as `trainable.train` leaves it."""
    paths = RunPaths(complete_run(data, folder / "run"))
    write_json(paths.experiment, {**read_json(paths.experiment), "settings": {"epochs": 1}})
    return paths.root


def test_run_without_a_search_still_has_a_report(generic: Path, tmp_path: Path) -> None:
    text = write_report(by_hand(generic, tmp_path)).read_text(encoding="utf-8")
    assert "This run has no search" in text
    assert "These data have no ages" in text
    assert "could not be drawn" not in text


def test_folder_that_is_no_run_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "no run: received" in refused(capfd, main, tmp_path)


@pytest.mark.slow
def test_journal_opens_while_the_search_writes(finished: RunPaths, tmp_path: Path) -> None:
    """As optuna-dashboard does; and the next append of the search still goes well."""
    copy = tmp_path / "study.log"
    copy.write_bytes(finished.study.read_bytes())
    ledger = Ledger.open(copy)
    beside = optuna.load_study(study_name=STUDY, storage=JournalStorage(JournalFileBackend(str(copy))))
    before = len(beside.trials)
    trial_id = next(iter(ledger.named()))
    ledger.add(ledger.study.ask(), "another")
    assert len(beside.trials) == before + 1
    assert trial_id in ledger.named()


@pytest.mark.slow
def test_optuna_dashboard_shows_the_study(finished: RunPaths, tmp_path: Path) -> None:
    """The command that the README names, on a copy of the journal."""
    shutil.copy(finished.study, tmp_path / "study.log")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "optuna_dashboard._cli", str(tmp_path / "study.log"), "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
        try:
            studies = asked(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
            assert [s["study_name"] for s in studies] == [STUDY]
            shown = asked(f"http://127.0.0.1:{port}/api/studies/{studies[0]['study_id']}")["trials"]
        finally:
            process.terminate()
    states = {t["number"]: t["state"] for t in shown}
    for frozen in read_trials(finished.study).values():
        assert states[frozen.number] == frozen.state.name.capitalize()


def asked(address: str, seconds: float = 120) -> dict:
    """The JSON that a local server answers, once it is up; asked without any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + seconds
    while True:
        try:
            with opener.open(address, timeout=30) as answer:
                return json.loads(answer.read())
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.2)


@pytest.mark.slow
def test_leaderboard_opens_in_pandas_with_a_row_a_trial(finished: RunPaths) -> None:
    table = pd.read_csv(finished.leaderboard)
    assert len(table) == table["trial"].nunique() == 10
    assert table["oof_macro_f1"].notna().sum() == (table["state"] == "complete").sum()


def test_effects_find_the_choice_that_helps_among_others() -> None:
    """Scores made by hand: `good` gives 0.1 in all, `none` nothing, and noise of a hundredth."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "help": rng.choice(["good", "bad"]),
            "none": rng.choice(["a", "b", "c"]),
            "lr": float(10 ** rng.uniform(-4, -2)),
        }
        for _ in range(80)
    ]
    scores = np.array([0.5 + 0.1 * (r["help"] == "good") for r in rows]) + rng.normal(0, 0.01, 80)
    found = {(e.parameter, e.level): e for e in effects(rows, scores)}
    assert found["help", "good"].value - found["help", "bad"].value == pytest.approx(0.1, abs=0.01)
    assert found["help", "good"].low > 0
    assert all(e.low < 0.005 and e.high > -0.005 for (name, _), e in found.items() if name == "none")
    assert not any(name == "lr" for name, _ in found)
    assert all(e.low <= e.value <= e.high for e in found.values())


def test_effects_say_nothing_of_few_trials() -> None:
    assert effects([{"a": i % 2} for i in range(5)], np.zeros(5)) == []


def test_report_reads_a_run_that_has_no_complete_trial(generic: Path, tmp_path: Path) -> None:
    run = by_hand(generic, tmp_path)
    for trial in RunPaths(run).trials():
        trial.result.unlink()
    text = write_report(run).read_text(encoding="utf-8")
    assert "No trial has finished all folds yet" in text
    assert "could not be drawn" not in text
    assert open_experiment(run).folds.count == 2
