"""TensorBoard's own reader finds in a finished run what the watcher wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import optuna
import pytest
from google.protobuf import text_format
from helpers import SPACE, space_file
from tensorboard.backend.event_processing.event_accumulator import IMAGES, EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from search.ledger import read_trials
from search.space import DataFacts
from search.space_file import load_space
from search.watch.tensorboard import TensorBoard, known_parameters
from search.watch.tensorboard.nodes import load
from trainable.data.labels import CLASSES
from trainable.files import read_json
from trainable.run.paths import RunPaths

LIMIT = 300e6  # bytes of events of 200 trials


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={IMAGES: 0})
    found.Reload()
    return found


def hparams(found: EventAccumulator, tag: str) -> plugin_data_pb2.HParamsPluginData:
    content = found.SummaryMetadata(tag).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


@pytest.fixture(scope="module")
def complete(finished: RunPaths) -> list[str]:
    return [t.root.name for t in finished.trials() if t.finished]


@pytest.mark.slow
def test_scalars_of_every_fold_are_read_back(finished: RunPaths, complete: list[str]) -> None:
    for trial in complete:
        found = events(finished.tensorboard / trial)
        tags = set(found.Tags()["scalars"])
        for k in range(2):
            for name in (
                "loss",
                "macro_f1",
                "lr",
                "images_per_second",
                "accuracy_mask",
                "accuracy_gender",
                "accuracy_age",
            ):
                assert len(found.Scalars(f"fold_{k}/{name}")) == 3, (k, name)
            assert {f"fold_{k}/f1/{c}" for c in CLASSES} <= tags
            mean = np.mean([found.Scalars(f"fold_{k}/f1/{c}")[-1].value for c in CLASSES])
            assert mean == pytest.approx(found.Scalars(f"fold_{k}/macro_f1")[-1].value, abs=1e-5)
        (score,) = found.Scalars("oof_macro_f1")
        assert score.value == pytest.approx(read_json(finished.trial(trial).result)["oof_macro_f1"], abs=1e-6)


@pytest.mark.slow
def test_hparams_have_a_row_a_trial_and_columns_for_conditional_parameters(finished: RunPaths) -> None:
    what = hparams(events(finished.tensorboard / "search"), metadata.EXPERIMENT_TAG).experiment
    assert {c.name for c in what.hparam_infos} == {"augment", "backbone", "loss", "lr", "smoothing"}
    assert [m.name.tag for m in what.metric_infos] == ["oof_macro_f1", "fold_0/macro_f1"]
    for trial, frozen in read_trials(finished.study).items():
        row = hparams(events(finished.tensorboard / trial), metadata.SESSION_START_INFO_TAG).session_start_info
        assert set(row.hparams) == set(frozen.params)
        assert row.hparams["lr"].number_value == frozen.params["lr"]
        assert row.hparams["backbone"].string_value == frozen.params["backbone"]


@pytest.mark.slow
def test_pictures_decode(finished: RunPaths, complete: list[str]) -> None:
    for folder in finished.tensorboard.iterdir():
        if folder.name in read_trials(finished.study):
            found = events(folder)
            wanted = {"first_batch"}
            if folder.name in complete:
                wanted |= {f"confusion/{n}" for n in ("joint", "mask", "gender", "age")} | {
                    "confidently_wrong",
                    "grad_cam",
                }
            assert set(found.Tags()["images"]) == wanted
            for tag in wanted:
                (image,) = found.Images(tag)
                pixels = cv2.imdecode(np.frombuffer(image.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
                assert pixels.shape[:2] == (image.height, image.width)
                assert pixels.std() > 5


@pytest.mark.slow
def test_projector_has_labels_and_thumbnails_for_every_point(finished: RunPaths, complete: list[str]) -> None:
    shown = [t for t in complete if (finished.tensorboard / t / "projector_config.pbtxt").exists()]
    assert shown
    for trial in shown:
        folder = finished.tensorboard / trial
        config = text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())
        (embedding,) = config.embeddings
        points = np.loadtxt(folder / embedding.tensor_path, delimiter="\t")
        table = (folder / embedding.metadata_path).read_text().splitlines()
        assert table[0].split("\t") == ["given", "predicted", "verdict", "group"]
        assert len(table) - 1 == len(points) > 10
        sprite = cv2.imread(str(folder / embedding.sprite.image_path))
        height, width = embedding.sprite.single_image_dim
        assert sprite.shape[0] // height * (sprite.shape[1] // width) >= len(points)


@pytest.mark.slow
def test_nodes_say_how_busy_they_are(finished: RunPaths) -> None:
    nodes = list(finished.tensorboard.glob("node_*"))
    assert nodes
    tags = events(nodes[0]).Tags()["scalars"]
    assert {"load/cpu_percent", "load/memory_percent"} <= set(tags)


@pytest.mark.slow
def test_200_trials_stay_below_the_limit(finished: RunPaths) -> None:
    """As if every one of them were complete, with the pictures of the largest here."""
    sizes = [
        sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) for folder in finished.tensorboard.iterdir()
    ]
    assert 200 * max(sizes) < LIMIT


def test_load_is_in_percent() -> None:
    found = load()
    assert {"cpu_percent", "memory_percent"} <= set(found)
    assert all(0 <= v <= 100 for v in found.values())


def test_known_parameters_has_those_that_only_some_configurations_have(tmp_path: Path) -> None:
    text = SPACE.replace(
        "    return {",
        "    if trial.suggest_categorical('a', [0, 1]):\n        trial.suggest_int('b', 1, 3)\n    return {",
    )
    space = load_space(space_file(tmp_path, text))
    found = known_parameters(space, DataFacts(24, 12, ("a", "b"), ()), draws=30)
    assert list(found) == ["a", "b", "lr"]
    assert isinstance(found["b"], optuna.distributions.IntDistribution)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[TensorBoard]:
    paths = RunPaths(tmp_path / "run")
    for trial in ("a", "b"):
        paths.trial(trial).root.mkdir(parents=True)
        paths.trial(trial).config.write_text("{}")
    with TensorBoard(paths, lambda _: 0.5, lambda _: {"lr": 0.1}) as made:
        yield made


def test_picture_that_fails_is_said_once_and_scalars_go_on(
    board: TensorBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no experiment behind this run, so no picture can be made."""
    for trial in ("a", "b"):
        board.began(trial)
        board.reported(trial, {"fold": 0, "metrics": {"epoch": 1, "loss": 2.0, "macro_f1": math.nan}})
        board.ended(trial, "complete", "")
    board.__exit__(None)
    assert board.problems == 4
    assert capsys.readouterr().err.count("warning: a picture for TensorBoard failed") == 1
    found = events(board.paths.tensorboard / "a")
    assert found.Tags()["scalars"] == ["fold_0/loss", "oof_macro_f1"]
    ending = json.loads(found.Tensors("ending/text_summary")[0].tensor_proto.string_val[0])
    assert ending == {"state": "complete", "reason": ""}


def test_trial_that_waited_goes_on_in_the_same_folder(board: TensorBoard) -> None:
    board.pictures = False
    for epoch in (1, 2):
        board.began("a")
        board.reported("a", {"fold": 0, "metrics": {"epoch": epoch, "loss": 2.0}})
        board.ended("a", "waiting", "rank 2 of 2")
    board.__exit__(None)
    assert [e.step for e in events(board.paths.tensorboard / "a").Scalars("fold_0/loss")] == [1, 2]
