"""How a vote did, by the answers in the names that the data use."""

from pathlib import Path

import numpy as np
import pytest
from helpers import write_table

from ensembles.truth import true_scores
from trainable.errors import InputError
from trainable.run import EnsembleFolder


def ensemble(root: Path, classes: tuple[str, ...], single: list[int], voted: list[str]) -> Path:
    folder = EnsembleFolder(root)
    write_table(folder.submission, ("path", "prediction"), [(f"{i}.png", v) for i, v in enumerate(voted)])
    probabilities = np.eye(len(classes), dtype=np.float32)[single][None, None]
    folder.write_test(probabilities=probabilities, best_single=np.array(0), classes=np.array(classes))
    return root


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
