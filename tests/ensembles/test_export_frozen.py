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
from trainable.run import Run

FROZEN = {"backbone": "test_resnet", "pretrained": False, "freeze": "body"}


def built(folder: Path, head: str, beside: tuple[str, ...] = ()) -> tuple[Path, Path]:
    data = generic_data(folder / "data", people=18, each=2)
    run = prepared(data, folder / "run")
    completed(run, tiny(model=FROZEN, head={"name": head}, features={"beside": list(beside)}))
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


@pytest.mark.parametrize(
    ("head", "beside", "what"),
    [("knn", (), "head.name knn"), ("lda", ("test_efficientnet 32x32",), "features of 2 networks side by side")],
)
def test_heads_that_are_no_layer_of_one_network_name_a_build_without_them(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], head: str, beside: tuple[str, ...], what: str
) -> None:
    ensemble, _ = built(tmp_path, head, beside)
    said = refused(capfd, export, ensemble, tmp_path / "alone", "--no-onnx")
    assert f"received {what}, which is no layer of one network; allowed: lda, ridge, logistic on one" in said
    assert not (tmp_path / "alone").exists()
    run = Run(ensemble.parents[1])
    assert said.endswith(f"ensembles.build {run.root} --without unexportable --name exportable)")
    completed(run, tiny(model=FROZEN, head={"name": "ridge"}))
    assert build([str(run.root), "--without", "unexportable", "--name", "own"]) == 0
    assert export([str(run.ensemble("own").root), str(tmp_path / "alone"), "--no-onnx"]) == 0


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
