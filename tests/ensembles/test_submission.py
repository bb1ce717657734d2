"""The submission is the test table again, filled in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import competition_data

from ensembles.submission import write_submission
from trainable.data.layouts import read_test
from trainable.data.manifest import TestSet
from trainable.metrics import get


def asked_for(data: Path, classes: tuple[str, ...]) -> TestSet:
    test = read_test(data, classes)
    assert test is not None
    return test


def test_competition_rows_keep_their_order_and_columns(tmp_path: Path) -> None:
    data = competition_data(tmp_path / "data")
    info = pd.read_csv(data / "eval" / "info.csv").assign(note="0001")
    info.to_csv(data / "eval" / "info.csv", index=False)
    write_submission(
        tmp_path / "s.csv", asked_for(data, ()), np.eye(18)[[17, 0, 9, 4]], get("macro_f1", [str(c) for c in range(18)])
    )
    written = (tmp_path / "s.csv").read_text()
    assert written == "ImageID,ans,note\n9.jpg,17,0001\n8.jpg,0,0001\n7.jpg,9,0001\n6.jpg,4,0001\n"


def test_generic_predictions_carry_the_names_of_the_data(generic: Path, tmp_path: Path) -> None:
    test = asked_for(generic, ("cat", "dog", "NA"))
    write_submission(tmp_path / "s.csv", test, np.eye(3)[[2, 0, 1, 1, 0]], get("macro_f1", ("cat", "dog", "NA")))
    table = pd.read_csv(tmp_path / "s.csv", keep_default_na=False)
    assert list(table) == ["path", "prediction"]
    assert table["path"].tolist() == pd.read_csv(generic / "test.csv")["path"].tolist()
    assert table["prediction"].tolist() == ["NA", "cat", "dog", "dog", "cat"]


def test_predictions_of_another_number_are_our_mistake(generic: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="4 predictions for 5 rows"):
        write_submission(tmp_path / "s.csv", asked_for(generic, ("a",)), np.ones((4, 1)), get("macro_f1", ("a",)))
