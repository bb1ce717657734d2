"""The metric of a run, read back from what it recorded."""

from pathlib import Path

import numpy as np
import pytest

from trainable.errors import InputError
from trainable.run.metric import recorded_metric

SPACE = """
class SEARCH:
    def metric(labels, probabilities):
        return float(probabilities[0, labels[0]])
"""


def test_a_name_needs_no_space_file(tmp_path: Path) -> None:
    assert recorded_metric("f1:some class", tmp_path / "none.py") == "f1:some class"


def test_a_function_comes_from_the_space_file(tmp_path: Path) -> None:
    (tmp_path / "space.py").write_text(SPACE, encoding="utf-8")
    found = recorded_metric("own", tmp_path / "space.py")
    assert callable(found)
    assert found(np.array([1]), np.array([[0.25, 0.75]])) == 0.75


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import a_module_that_is_gone", "cannot be run for it: ModuleNotFoundError"),
        ("SEARCH = 3", "cannot be run for it: AttributeError"),
        ("class SEARCH:\n    metric = 'mcc'", "with SEARCH.metric 'mcc'; allowed: that function"),
    ],
)
def test_a_function_that_is_gone_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "space.py").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"metric own: received .*{words}"):
        recorded_metric("own", tmp_path / "space.py")
