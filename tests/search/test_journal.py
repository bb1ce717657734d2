"""What other tools open of a finished search: its journal in Optuna and its dashboard, its leaderboard in pandas."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from search.ledger import STUDY, Ledger, read_trials
from trainable.run import Run


@pytest.mark.slow
def test_journal_opens_while_the_search_writes(finished: Run, tmp_path: Path) -> None:
    """As optuna-dashboard does; and the next append of the search still goes well."""
    copy = tmp_path / "study.log"
    copy.write_bytes(finished.study.read_bytes())
    ledger = Ledger.open(copy)
    beside = optuna.load_study(study_name=STUDY, storage=JournalStorage(JournalFileBackend(str(copy))))
    assert beside.metric_names == ["macro-F1"] and "trial numbers" in beside.user_attrs
    before = len(beside.trials)
    trial_id = next(iter(ledger.named()))
    ledger.add(ledger.study.ask(), "another")
    assert len(beside.trials) == before + 1
    assert trial_id in ledger.named()


@pytest.mark.slow
def test_optuna_dashboard_shows_the_study(finished: Run, tmp_path: Path) -> None:
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
def test_leaderboard_opens_in_pandas_with_a_row_a_trial(finished: Run) -> None:
    table = pd.read_csv(finished.leaderboard)
    assert len(table) == table["trial"].nunique() == 10
    assert table["oof_score"].notna().sum() == (table["state"] == "complete").sum()
