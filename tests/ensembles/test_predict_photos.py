"""Predicting new photos with a built ensemble."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from helpers import complete_run, refused, tiny, write_photo

from ensembles.compare.comparison import read_submissions
from ensembles.ensemble import Ensemble, read_ensemble
from ensembles.predict import main
from ensembles.predict_photos import find_photos, table_of
from trainable.data.attributes import PLAIN
from trainable.data.layouts.competition import CLASSES, MADE_OF
from trainable.errors import InputError
from trainable.models.predict import load_model, predict
from trainable.run import EnsembleFolder, Run


def as_built(run: Path, classes: tuple[str, ...] = ("class0", "class1", "class2")) -> EnsembleFolder:
    """An ensemble of a run's trials with weights 1, 0, 2, 0, ..., as `ensembles.build` would leave it."""
    trials = Run(run).trials()
    weights = [float(t % 2 == 0) * (1 + t / 2) for t in range(len(trials))]
    folder = Run(run).ensemble("made")
    folder.finish(
        trials[0].oof(),
        {
            "method": "mean_top5",
            "members": [
                {"run": str(run), "trial": t.id, "weight": w / sum(weights), "oof_score": 0.5}
                for t, w in zip(trials, weights, strict=True)
                if w
            ],
            "metric": "macro_f1",
            "nested_score": 0.5,
            "classes": classes,
            "attributes": PLAIN.to_dict(),
            "parameters": {"weights": weights},
        },
    )
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, generic: Path) -> EnsembleFolder:
    folder = tmp_path_factory.mktemp("predict") / "run"
    return as_built(complete_run(generic, folder, learning_rates=(1e-3, 3e-3, 6e-3)))


def test_predictions_are_the_weighted_mean_of_the_members(built: EnsembleFolder, generic: Path, tmp_path: Path) -> None:
    """Against the fold models, asked one by one."""
    out = tmp_path / "p.csv"
    photos = sorted((generic / "images").glob("*.png"))[:4]
    assert main([str(built.root), *map(str, photos), "--out", str(out)]) == 0
    table = pd.read_csv(out)
    assert table["path"].tolist() == [str(p) for p in photos]
    columns = [f"p class{c}" for c in range(3)]
    images = torch.from_numpy(np.stack([cv2.imread(str(p))[..., ::-1] for p in photos]))
    expected = np.zeros((4, 3))
    for member, weight in zip(read_ensemble(built.root).members, (1 / 3, 2 / 3), strict=True):
        for k in range(2):
            fold = member.trial.fold(k)
            model = load_model(tiny(), 3, fold.weights, torch.device("cpu"))
            statistics = torch.tensor(fold.result.statistics)
            expected += weight / 2 * predict(model, [(np.arange(4), images)], statistics)
    assert table[columns].to_numpy() == pytest.approx(expected, abs=2e-6)
    assert table["prediction"].tolist() == [f"class{c}" for c in expected.argmax(1)]


def test_what_was_predicted_can_be_compared_with_a_submission(
    built: EnsembleFolder, generic: Path, tmp_path: Path
) -> None:
    """Its paths are whole, and it has columns of probabilities."""
    new, known = tmp_path / "new.csv", tmp_path / "submission.csv"
    assert main([str(built.root), str(generic / "test"), "--out", str(new)]) == 0
    table = pd.read_csv(new)
    table["path"] = [str(Path(p).relative_to(generic)) for p in table["path"]]
    table[["path", "prediction"]].iloc[::-1].to_csv(known, index=False)
    predictions, _ = read_submissions([known, new])
    assert (predictions[0] == predictions[1]).all() and predictions.shape == (2, len(table))


def test_members_without_weight_are_not_opened(built: EnsembleFolder, generic: Path, tmp_path: Path) -> None:
    found = read_ensemble(built.root)
    assert read_ensemble(found.run.root).folder.root == built.root, "a run stands for its latest ensemble"
    assert found.used == [0, 2]
    scores = found.vote(np.stack([np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[::-1]]))
    assert scores == pytest.approx(np.eye(3) / 3 + np.eye(3)[::-1] * 2 / 3)


def test_attributes_have_columns_of_their_own(built: EnsembleFolder) -> None:
    joint = Ensemble(**{**vars(read_ensemble(built.root)), "classes": CLASSES, "made_of": MADE_OF})
    scores = np.random.default_rng(0).dirichlet(np.ones(18), 3)
    table = table_of(joint, [Path(f"{i}.jpg") for i in range(3)], scores)
    split = scores.reshape(3, 3, 2, 3)
    assert table["p gender female"].to_numpy() == pytest.approx(split[:, :, 1].sum((1, 2)), abs=1e-6)
    assert table["age"].tolist() == [MADE_OF["age"].values[c] for c in split.sum((1, 2)).argmax(1)]
    assert len(table.columns) == 2 + 3 + 18 + 8


def test_photos_are_found_below_folders_once_and_without_dotfiles(tmp_path: Path) -> None:
    for name in ("b/x.JPG", "b/a.png", "b/._x.jpg", "b/.hidden/y.jpg", "b/notes.txt", "a.jpeg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_photos([tmp_path / "b", tmp_path / "a.jpeg", tmp_path / "b" / "a.png"])
    assert [str(p.relative_to(tmp_path)) for p in found] == ["b/a.png", "b/x.JPG", "a.jpeg"]
    with pytest.raises(InputError, match="no photo: received"):
        find_photos([tmp_path / "b" / "notes.txt"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photos: received"):
        find_photos([tmp_path / "empty"])


def test_wrong_input_is_refused(
    built: EnsembleFolder, generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p.csv"
    assert "no ensemble: received" in refused(capfd, main, tmp_path, generic / "images", "--out", out)
    out.touch()
    assert "which exists" in refused(capfd, main, built.root, generic / "images", "--out", out)
    write_photo(tmp_path / "bad" / "x.jpg", 100)
    whole = (tmp_path / "bad" / "x.jpg").read_bytes()
    (tmp_path / "bad" / "x.jpg").write_bytes(whole[: len(whole) // 2])
    assert "x.jpg (JPEG, damaged" in refused(capfd, main, built.root, tmp_path / "bad", "--out", tmp_path / "q.csv")
    assert "ends in .csv" in refused(capfd, main, built.root, tmp_path / "bad", "--out", tmp_path / "q.png")
    assert not (tmp_path / "q.csv").exists()
    write_photo(tmp_path / "bad" / "y.webp", 200)
    (tmp_path / "bad" / "notes.txt").write_text("BMI,label")
    assert main([str(built.root), str(tmp_path / "bad"), "--out", str(tmp_path / "q.csv")]) == 0
    said = capfd.readouterr().out
    assert "warning: 1 of 2 photos cannot be read and are predicted as the shares of the classes in training" in said
    assert "passed over: 1 files that are no photos (1 .txt)" in said and "trained this vote" not in said
    shutil.copy(generic / "images" / "p00_0.png", tmp_path / "bad" / "known.png")
    assert main([str(built.root), str(tmp_path / "bad"), "--out", str(tmp_path / "r.csv")]) == 0
    assert "warning: 1 photo of them trained this vote, as equal files" in capfd.readouterr().out
    table = pd.read_csv(tmp_path / "q.csv").filter(like="p ").to_numpy()
    labels = read_ensemble(built.root).run.manifest.labels
    assert np.allclose(table[0], np.bincount(labels) / len(labels), atol=1e-5) and not np.allclose(table[0], table[1])


def test_run_that_was_moved_takes_its_ensembles_along(generic: Path, tmp_path: Path) -> None:
    run = complete_run(generic, tmp_path / "run")
    name = as_built(run).root.name
    (tmp_path / "elsewhere").mkdir()
    moved = run.rename(tmp_path / "elsewhere" / "run")
    assert read_ensemble(moved / "ensembles" / name).members[0].run.root == moved
    moved = moved.rename(tmp_path / "elsewhere" / "other")
    with pytest.raises(InputError, match="is gone"):
        read_ensemble(moved / "ensembles" / name)
