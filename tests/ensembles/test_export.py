"""A folder that stands alone, and the ONNX copies in it."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import complete_run, refused, write_photo
from test_predict_photos import as_built

from ensembles.export.command import main
from ensembles.export.onnx_copy import NEEDED, copy_to_onnx, open_onnx
from ensembles.export.texts import layers_source, photos_source
from ensembles.export.write import only
from ensembles.members.products import multiply
from ensembles.methods import METHODS, fit
from ensembles.new_items import gathered
from ensembles.predict import main as predict
from ensembles.predict_photos import find_photos
from trainable.config import TrialConfig
from trainable.data.layouts.competition import MADE_OF
from trainable.data.manifest import ITEM, Manifest
from trainable.files import read_json
from trainable.images.batches import centre
from trainable.images.decode import read_image, resize
from trainable.models.build import build_model, build_network
from trainable.models.tta import viewed
from trainable.run import EnsembleFolder


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """predict.py of an exported folder as a module."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "photos.py").write_text(photos_source())
    (folder / "layers.py").write_text(layers_source())
    source = Path(__file__).resolve().parents[2] / "ensembles" / "export" / "standalone.py"
    (folder / "predict.py").write_text(source.read_text())
    spec = importlib.util.spec_from_file_location("exported_predict", folder / "predict.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        spec.loader.exec_module(module)
        yield module
        for name in ("photos", "layers"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("name", METHODS)
def test_script_votes_like_the_ensemble(script: ModuleType, name: str) -> None:
    """Every method, for the members it uses alone."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 6, 80)
    table = random.dirichlet(np.ones(6), (4, 80)).astype(np.float32)
    table[:3, np.arange(80), labels] += 0.3
    table /= table.sum(2, keepdims=True)
    fitted = fit(name, table, labels, attributes=(3, 2))
    used = np.flatnonzero(fitted.weights > 0).tolist()
    scores = script.vote(name, table[used], only(fitted.parameters, used))
    assert scores == pytest.approx(fitted.apply(table), abs=1e-6)


@pytest.mark.parametrize("head", [{}, {"name": "attributes"}, {"name": "attributes", "ordinal": ["age"]}])
@pytest.mark.parametrize("tta", ["none", "flip", "crops"])
def test_script_builds_the_same_network(script: ModuleType, head: dict, tta: str) -> None:
    config = TrialConfig.from_dict(
        {"model": {"backbone": "test_vit", "pretrained": False}, "input": {"size": (64, 32)}, "head": head, "tta": tta}
    )
    model = build_network(config, 18, made_of=MADE_OF).eval()
    heads = config.head.name == "attributes"
    network = {
        "backbone": "test_vit",
        "fixed_size": True,
        "input": {"size": [64, 32]},
        "sizes": MADE_OF.grid.sizes if heads else (),
        "cells": (),
        "ordinal": [name in config.head.ordinal for name in MADE_OF.names] if heads else [False],
        "classes": 18,
    }
    copy = script.build(network).eval()
    copy.load_state_dict(model.state_dict())
    copy = copy if tta == "none" else script.Viewed(copy, tta)
    images = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        assert torch.equal(copy.eval()(images), viewed(model, tta).eval()(images))


def test_script_sees_what_validation_saw(script: ModuleType, sample: Path) -> None:
    photo = next((sample / "train" / "images").glob("*/mask1.*"))
    seen = {"store": [128, 96], "crop": [0.6, 0.7], "region": "centre", "background": "keep", "size": [40, 32]}
    stored = read_image(photo, (128, 96))
    assert stored is not None
    assert (script.see(photo, seen) == resize(centre(stored, (0.6, 0.7)), (40, 32))).all()
    face = {**seen, "region": "face", "margin": 0.3, "background": "removed", "fallback": [0.5, 0.55]}
    assert script.see(photo, face).shape == (40, 32, 3)


def test_script_multiplies_and_gathers_as_predict_does(
    script: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Products fold by fold, before the mean of folds; photos of one thing in a folder of their own."""
    random = np.random.default_rng(0)
    factors = [random.dirichlet(np.ones(n), (3, 5)) for n in (3, 2, 3)]
    for factor, value in zip(factors, (0, 0, 1), strict=True):
        factor[:, 0] = np.eye(factor.shape[-1])[value]  # sure of a product that `some` has not
    some = replace(MADE_OF, cells=tuple(range(0, 18, 2)))
    for made_of, cells in ((MADE_OF, []), (some, list(some.cells))):
        assert script.multiply(factors, cells) == pytest.approx(multiply(factors, made_of))
    for name in ("a/1.png", "b.png", "a/c/2.png", "d/3.png"):
        write_photo(tmp_path / name, 100, side=4)
    places = [tmp_path, tmp_path / "d", tmp_path / "b.png"]
    known = Manifest(tmp_path, "table", pd.DataFrame({ITEM: [0]}), ("x", "y"))
    photos, items, owner = gathered(known, find_photos(places), places)
    found, number = script.gather(files := script.find(places), places)
    assert files == sorted(photos) and sorted(found) == sorted(items) == [tmp_path / n for n in ("a", "b.png", "d")]
    assert {f: found[n] for f, n in zip(files, number, strict=True)} == {
        f: items[n] for f, n in zip(photos, owner, strict=True)
    }


@pytest.mark.slow
@pytest.mark.skipif(any(importlib.util.find_spec(n) is None for n in NEEDED), reason="the extra `export` is missing")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit", "test_efficientnet"])
def test_onnx_copy_answers_like_torch(backbone: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = viewed(
        build_model(backbone, classes=18, size=(64, 64), head="attributes", ordinal=("age",), made_of=MADE_OF), "flip"
    ).eval()
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    statistics = torch.tensor([[0.5, 0.4, 0.3], [0.2, 0.3, 0.25]])
    assert copy_to_onnx(model, statistics, images, tmp_path / "m.onnx") < 1e-5
    found = open_onnx(tmp_path / "m.onnx")(images[:3])
    assert found.shape == (3, 18)
    assert found.sum(1) == pytest.approx(1, abs=1e-5)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, generic: Path) -> EnsembleFolder:
    folder = tmp_path_factory.mktemp("export") / "run"
    return as_built(complete_run(generic, folder, learning_rates=(1e-3, 3e-3, 6e-3), tta="flip"))


@pytest.mark.slow
def test_folder_predicts_without_foldvote(built: EnsembleFolder, generic: Path, tmp_path: Path) -> None:
    """In a process that cannot import any of our packages, from another folder."""
    out = tmp_path / "out"
    assert main([str(built.root), str(out), "--no-onnx"]) == 0
    assert {p.name for p in out.iterdir()} == {
        *("README.md", "vote.json", "predict.py", "photos.py", "layers.py", "networks"),
    }
    code = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(['trainable', 'ensembles', 'search', 'pandas', 'numba']));"
        f"sys.path.insert(0, {str(out)!r}); runpy.run_path({str(out / 'predict.py')!r}, run_name='__main__')"
    )
    photos = generic / "images"
    arguments = [sys.executable, "-I", "-c", code, str(photos), "--out", str(tmp_path / "alone.csv")]
    subprocess.run(arguments, check=True, cwd=tmp_path, capture_output=True)
    assert predict([str(built.root), str(photos), "--out", str(tmp_path / "ours.csv")]) == 0
    alone, ours = pd.read_csv(tmp_path / "alone.csv"), pd.read_csv(tmp_path / "ours.csv")
    assert alone["path"].tolist() == ours["path"].tolist()
    columns = [f"p class{c}" for c in range(3)]
    assert alone[columns].to_numpy() == pytest.approx(ours[columns].to_numpy(), abs=1e-5)
    kept = read_json(out / "vote.json")
    assert len(kept["members"]) == 2 and len(kept["networks"]) == 2
    assert kept["parameters"]["weights"] == [1.0, 2.0]
    assert "| test_resnet | random numbers | none needed |" in (out / "README.md").read_text()


def test_wrong_input_is_refused(
    built: EnsembleFolder, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "which exists" in refused(capfd, main, built.root, tmp_path)
    assert "no ensemble" in refused(capfd, main, tmp_path, tmp_path / "out")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "ONNX copies need onnx, onnxscript, onnxruntime" in refused(capfd, main, built.root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
