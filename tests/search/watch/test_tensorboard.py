"""TensorBoard's own reader finds in a finished run what the watcher wrote."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import optuna
import pytest
from directing import finish
from google.protobuf import text_format
from helpers import SPACE, completed, space_file, tiny
from tensorboard.backend.event_processing.event_accumulator import IMAGES, EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from search.ledger import read_trials
from search.space import DataFacts
from search.space_file import load_space
from search.watch.tensorboard import TensorBoard, known_parameters
from search.watch.tensorboard.names import trial_name
from search.watch.tensorboard.nodes import load
from search.watch.tensorboard.watcher import FEW
from trainable.config import TrialConfig
from trainable.data.layouts.competition import CLASSES
from trainable.run import Run
from trainable.training.report import Report

LIMIT = 300e6  # bytes of events of 200 trials
CURVES = ("loss", "score")
DETAILS = ("lr", "images_per_second", "accuracy_mask", "accuracy_gender", "accuracy_age")


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={IMAGES: 0})
    found.Reload()
    return found


def folder_of(run: Run, trial: str) -> Path:
    folder = run.events(trial)
    assert folder is not None, trial
    return folder


def hparams(found: EventAccumulator, tag: str) -> plugin_data_pb2.HParamsPluginData:
    content = found.SummaryMetadata(tag).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


@pytest.fixture(scope="module")
def complete(finished: Run) -> list[str]:
    return [t.id for t in finished.trials() if t.finished]


@pytest.mark.slow
def test_scalars_of_every_fold_are_read_back(finished: Run, complete: list[str]) -> None:
    for trial in complete:
        found = events(folder_of(finished, trial))
        tags = found.Tags()["scalars"]
        first = [f"curves/fold_{k}/{name}" for k in range(2) for name in CURVES]
        assert sorted([*tags, *found.Tags()["images"]])[:4] == first, "TensorBoard sorts by name"
        for k in range(2):
            for name in [*(f"curves/fold_{k}/{n}" for n in CURVES), *(f"details/fold_{k}/{n}" for n in DETAILS)]:
                assert len(found.Scalars(name)) == 3, name
            assert {f"f1/fold_{k}/{c}" for c in CLASSES} <= set(tags)
            mean = np.mean([found.Scalars(f"f1/fold_{k}/{c}")[-1].value for c in CLASSES])
            assert mean == pytest.approx(found.Scalars(f"curves/fold_{k}/score")[-1].value, abs=1e-5)
        (score,) = found.Scalars("oof_score")
        assert score.value == pytest.approx(finished.trial(trial).result.oof_score, abs=1e-6)


@pytest.mark.slow
def test_hparams_have_a_row_a_trial_and_columns_for_conditional_parameters(finished: Run) -> None:
    what = hparams(events(finished.tensorboard / "search"), metadata.EXPERIMENT_TAG).experiment
    assert [c.name for c in what.hparam_infos] == ["backbone", "lr", "loss", "augment", "smoothing"]
    assert [m.name.tag for m in what.metric_infos] == ["oof_score", "curves/fold_0/score"]
    for trial, frozen in read_trials(finished.study).items():
        folder = folder_of(finished, trial)
        words = [frozen.params["backbone"], f"lr={frozen.params['lr']:.2g}", frozen.params["loss"]]
        assert folder.name == "_".join([f"{frozen.number + 1:03}", *words, trial])
        row = hparams(events(folder), metadata.SESSION_START_INFO_TAG).session_start_info
        assert row.group_name == f"{frozen.number + 1:03} {trial}"
        assert set(row.hparams) == set(frozen.params)
        assert row.hparams["lr"].number_value == frozen.params["lr"]
        assert row.hparams["backbone"].string_value == frozen.params["backbone"]


@pytest.mark.slow
def test_pictures_decode(finished: Run, complete: list[str]) -> None:
    pages = {"first_batch": 2, "confidently_wrong": 3, "grad_cam": 2}
    for trial in read_trials(finished.study):
        found = events(folder_of(finished, trial))
        wanted = {"first_batch"}
        if trial in complete:
            wanted |= {f"confusion/{n}" for n in ("joint", "mask", "gender", "age")} | {"confidently_wrong", "grad_cam"}
        assert set(found.Tags()["images"]) == {f"pictures/{name}" for name in wanted}
        for name in wanted:
            images = found.Images(f"pictures/{name}")
            assert [image.step for image in images] == list(range(pages.get(name, 1))), "the last is shown first"
            for image in images:
                pixels = cv2.imdecode(np.frombuffer(image.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
                assert pixels.shape[:2] == (image.height, image.width)
                assert pixels.std() > 5
                assert image.width <= 660 and image.height <= 620, "more would be shrunk until nothing can be read"


@pytest.mark.slow
def test_projector_has_labels_and_thumbnails_for_every_point(finished: Run, complete: list[str]) -> None:
    folders = [folder_of(finished, trial) for trial in complete]
    shown = [folder for folder in folders if (folder / "projector_config.pbtxt").exists()]
    assert shown
    for folder in shown:
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
def test_nodes_say_how_busy_they_are(finished: Run) -> None:
    nodes = list(finished.tensorboard.glob("node_*"))
    assert nodes
    tags = events(nodes[0]).Tags()["scalars"]
    assert {"load/cpu_percent", "load/memory_percent"} <= set(tags)


@pytest.mark.slow
def test_200_trials_stay_below_the_limit(finished: Run) -> None:
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
    assert list(found) == ["lr", "a", "b"], "lr first, then what most have"
    assert isinstance(found["b"], optuna.distributions.IntDistribution)


def said(epoch: int, **metrics: float) -> Report:
    return Report(epoch, 0, math.nan, decides=True, fold_done=False, metrics={"epoch": epoch, "loss": 2.0, **metrics})


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "003_id"),
        ({"lr": 0.00421, "wd": 0.1, "flip": True, "ops": 2}, "003_lr=0.0042_wd=0.1_ops=2_id"),
        ({"loss": "focal", "lr": 0.1, "backbone": "hf-hub:a/b c"}, "003_hf-hub-a-b-c_lr=0.1_focal_id"),
        ({"backbone": "convnext_small.in12k_ft_in1k_384"}, "003_convnext_small.in12k_ft_in1k_384_id"),
    ],
)
def test_name_of_a_trial_is_its_number_and_what_it_tries(parameters: dict[str, Any], name: str) -> None:
    assert trial_name(3, parameters, "id") == name


@pytest.fixture
def board(tmp_path: Path) -> Iterator[TensorBoard]:
    """Of a folder with two trials, which is no run."""
    run = Run(tmp_path / "run")
    for trial in ("a", "b"):
        run.trial(trial).begin(TrialConfig())
    with TensorBoard(run, lambda _: {"lr": 0.1}) as made:
        yield made


def test_picture_that_fails_is_said_once_and_scalars_go_on(
    board: TensorBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no experiment behind this run, so no picture can be made."""
    for name in ("a", "b"):
        trial = finish(board.run.trial(name), 0.5)
        board.began(trial)
        board.reported(trial, said(1, score=math.nan))
        board.ended(trial, "complete", "")
    board.__exit__(None)
    assert board.problems == 4
    assert capsys.readouterr().err.count("warning: a picture for TensorBoard failed") == 1
    found = events(folder_of(board.run, "a"))
    assert found.Tags()["scalars"] == ["curves/fold_0/loss", "oof_score"]
    ending = json.loads(found.Tensors("ending/text_summary")[0].tensor_proto.string_val[0])
    assert ending == {"state": "complete", "reason": ""}


def test_trial_that_waited_goes_on_in_the_same_folder(board: TensorBoard) -> None:
    board.pictures = False
    trial = board.run.trial("a")
    for epoch in (1, 2):
        board.began(trial)
        board.reported(trial, said(epoch))
        board.ended(trial, "waiting", "rank 2 of 2")
        board.number_of = lambda _: 7  # of a trial that is tried again
    board.__exit__(None)
    assert [folder.name for folder in board.run.tensorboard.iterdir() if "lr" in folder.name] == ["001_lr=0.1_a"]
    assert [e.step for e in events(folder_of(board.run, "a")).Scalars("curves/fold_0/loss")] == [1, 2]


def test_trial_that_an_earlier_process_left_all_but_told_is_told_as_complete(board: TensorBoard) -> None:
    board.pictures = False
    board.ended(finish(board.run.trial("a"), 0.5), "complete", "")
    board.ended(board.run.trial("b"), "waiting", "at its rung")  # never ran here: it has nothing to tell
    board.__exit__(None)
    assert [e.value for e in events(folder_of(board.run, "a")).Scalars("oof_score")] == [0.5]
    assert board.run.events("b") is None


@pytest.mark.parametrize("tta", ["none", "flip", "crops"])
def test_pictures_of_a_network_with_test_time_views(run: Run, tta: str) -> None:
    """Grad-CAM looks into the network itself, not into what averages its views."""
    trial = completed(run, tiny(tta=tta))
    with TensorBoard(run, waits=True) as board:  # a busy machine takes longer than the few seconds of the end
        board.began(trial)
        board.ended(trial, "complete", "")
    assert board.problems == 0
    found = events(folder_of(run, trial.id))
    assert {f"pictures/{n}" for n in ("first_batch", "confusion/joint", "grad_cam")} <= set(found.Tags()["images"])
    assert (folder_of(run, trial.id) / "projector_config.pbtxt").exists()


@pytest.mark.parametrize("waits", [False, True])
def test_pictures_are_made_aside_unless_trials_train_in_this_process(board: TensorBoard, waits: bool) -> None:
    """A thread beside them would take random numbers from theirs."""
    board.waits, makers = waits, []
    board.gallery.first_batch = lambda *_: makers.append(threading.current_thread())  # type: ignore[method-assign]
    board.began(board.run.trial("a"))
    board.__exit__(None)
    assert [maker is threading.main_thread() for maker in makers] == [waits]


def test_pictures_that_take_long_do_not_hold_up_the_end(board: TensorBoard, capsys: pytest.CaptureFixture[str]) -> None:
    go, board.aside.farewell = threading.Event(), 0.3
    board.gallery.first_batch = lambda *_: go.wait(60)  # type: ignore[method-assign, assignment]
    for name in ("a", "b"):
        board.began(board.run.trial(name))
    began = time.monotonic()
    board.__exit__(None)
    assert time.monotonic() - began < 3 and FEW <= 5
    assert "TensorBoard did not end" in capsys.readouterr().err
    go.set()
