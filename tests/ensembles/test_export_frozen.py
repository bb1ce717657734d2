"""Heads on frozen networks as a folder that stands alone: network and head in one file, and in one ONNX copy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from helpers import completed, generic_data, prepared, refused, tiny

from ensembles.build import main as build
from ensembles.export.command import main as export
from ensembles.predict import main as predict

FROZEN = {"backbone": "test_resnet", "pretrained": False, "freeze": "body"}


def built(folder: Path, head: str) -> tuple[Path, Path]:
    data = generic_data(folder / "data", people=18, each=2)
    run = prepared(data, folder / "run")
    completed(run, tiny(model=FROZEN, head={"name": head}))
    assert build([str(run.root), "--data", str(data), "--without", "heads"]) == 0
    return run.root / "ensembles" / "auto", data / "images"


@pytest.mark.slow
def test_exported_network_answers_as_the_ensemble(tmp_path: Path) -> None:
    ensemble, photos = built(tmp_path, "lda")
    assert export([str(ensemble), str(tmp_path / "alone")]) == 0
    assert len(list((tmp_path / "alone" / "networks").rglob("*.onnx"))) == 2
    script = [sys.executable, str(tmp_path / "alone" / "predict.py"), str(photos), "--out", str(tmp_path / "alone.csv")]
    subprocess.run(script, check=True, timeout=300)
    assert predict([str(ensemble), str(photos), "--out", str(tmp_path / "here.csv")]) == 0
    alone, here = (pd.read_csv(tmp_path / f"{name}.csv").sort_values("path") for name in ("alone", "here"))
    columns = [name for name in alone if name.startswith("p ")]
    assert alone[columns].to_numpy() == pytest.approx(here[columns].to_numpy(), abs=0.02)  # 32 and 16 bits


def test_neighbours_have_no_layer_to_export(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ensemble, _ = built(tmp_path, "knn")
    said = refused(capfd, export, ensemble, tmp_path / "alone", "--no-onnx")
    assert "received head.name knn, which is no layer; allowed: lda, ridge, logistic" in said
    assert not (tmp_path / "alone").exists()


@pytest.mark.slow
def test_exported_heads_of_attributes_answer_as_the_ensemble(tmp_path: Path, sample: Path) -> None:
    run = prepared(sample, tmp_path / "run", size=(32, 32))
    completed(run, tiny(model=FROZEN, head={"name": "lda", "parts": "attributes", "shrinkage": 0.3}))
    assert build([str(run.root), "--data", str(sample), "--without", "heads"]) == 0
    ensemble, photos = run.root / "ensembles" / "auto", sample / "eval" / "images"
    assert export([str(ensemble), str(tmp_path / "alone")]) == 0
    script = [sys.executable, str(tmp_path / "alone" / "predict.py"), str(photos), "--out", str(tmp_path / "alone.csv")]
    subprocess.run(script, check=True, timeout=300)
    assert predict([str(ensemble), str(photos), "--out", str(tmp_path / "here.csv")]) == 0
    alone, here = (pd.read_csv(tmp_path / f"{name}.csv").sort_values("path") for name in ("alone", "here"))
    columns = [name for name in alone if name.startswith("p ")]
    assert alone[columns].to_numpy() == pytest.approx(here[columns].to_numpy(), abs=0.02)
