"""The submission is the test table again, filled in; and the truth it is compared with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import competition_data, write_table

from ensembles.score_answers import true_scores
from ensembles.submission import write_submission
from trainable.data.layouts import read_test
from trainable.errors import InputError
from trainable.files import write_npz
from trainable.run.paths import EnsemblePaths


def test_competition_rows_keep_their_order_and_columns(tmp_path: Path) -> None:
    data = competition_data(tmp_path / "data")
    info = pd.read_csv(data / "eval" / "info.csv").assign(note="0001")
    info.to_csv(data / "eval" / "info.csv", index=False)
    write_submission(tmp_path / "s.csv", read_test(data, ()), np.array([17, 0, 9, 4]))
    written = (tmp_path / "s.csv").read_text()
    assert written == "ImageID,ans,note\n9.jpg,17,0001\n8.jpg,0,0001\n7.jpg,9,0001\n6.jpg,4,0001\n"


def test_generic_predictions_carry_the_names_of_the_data(generic: Path, tmp_path: Path) -> None:
    test = read_test(generic, ("cat", "dog", "NA"))
    write_submission(tmp_path / "s.csv", test, np.array([2, 0, 1, 1, 0]))
    table = pd.read_csv(tmp_path / "s.csv", keep_default_na=False)
    assert list(table) == ["path", "prediction"]
    assert table["path"].tolist() == pd.read_csv(generic / "test.csv")["path"].tolist()
    assert table["prediction"].tolist() == ["NA", "cat", "dog", "dog", "cat"]


def test_predictions_of_another_number_are_our_mistake(generic: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="4 predictions for 5 rows"):
        write_submission(tmp_path / "s.csv", read_test(generic, ("a",)), np.zeros(4, int))


def ensemble(folder: Path, classes: tuple[str, ...], single: list[int], voted: list[str]) -> Path:
    paths = EnsemblePaths(folder)
    write_table(paths.submission, ("path", "prediction"), [(f"{i}.png", v) for i, v in enumerate(voted)])
    probabilities = np.eye(len(classes), dtype=np.float32)[single][None, None]
    write_npz(paths.test, probabilities=probabilities, best_single=np.array(0), classes=np.array(classes))
    return folder


def answers(path: Path, names: list[str]) -> Path:
    write_table(path, ("path", "prediction"), [(f"{i}.png", v) for i, v in enumerate(names)])
    return path


@pytest.mark.parametrize("classes", [("1", "2", "3"), ("a", "b", "c"), ("2", "9", "10")])
def test_truth_is_compared_under_the_names_of_the_data(tmp_path: Path, classes: tuple[str, ...]) -> None:
    """Classes named 1, 2, 3 are not the numbers 0, 1, 2, even where the third occurs nowhere."""
    truth = answers(tmp_path / "answers.csv", [classes[0], classes[1], classes[0]])
    folder = ensemble(tmp_path / "e", classes, [0, 1, 0], [classes[0], classes[1], classes[1]])
    assert true_scores(folder, truth) == pytest.approx({"ensemble": 4 / 9, "best_single": 2 / 3})


def test_truth_of_the_competition_is_in_numbers(tmp_path: Path) -> None:
    classes = tuple(f"class {i}" for i in range(3))
    truth = answers(tmp_path / "answers.csv", ["0", "1", "2"])
    folder = ensemble(tmp_path / "e", classes, [0, 1, 2], ["0", "1", "1"])
    assert true_scores(folder, truth) == pytest.approx({"ensemble": 5 / 9, "best_single": 1.0})


def test_answers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = ensemble(tmp_path / "e", ("a", "b"), [0, 1], ["a", "b"])
    with pytest.raises(InputError, match="received class 'z'; allowed: a, b"):
        true_scores(folder, answers(tmp_path / "x.csv", ["a", "z"]))
    with pytest.raises(InputError, match="rows differ"):
        true_scores(folder, answers(tmp_path / "y.csv", ["a", "b", "b"]))
    with pytest.raises(InputError, match="no ensemble"):
        true_scores(tmp_path / "none", tmp_path / "y.csv")
