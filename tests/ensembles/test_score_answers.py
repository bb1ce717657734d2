"""How a vote did, by the answers in the names that the data use."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from helpers import write_table
from sklearn.metrics import f1_score

from ensembles.score_answers import main
from ensembles.truth import read_truth, true_scores
from trainable.data.form import Form
from trainable.errors import InputError
from trainable.files import write_json
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


def test_classes_that_answers_lack_are_named(tmp_path: Path) -> None:
    """They count as 0 in macro-F1, which scikit-learn leaves out where nobody names them."""
    folder = ensemble(tmp_path / "e", ("a", "b", "c"), [0, 1, 0], ["a", "b", "b"])
    assert read_truth(folder, answers(tmp_path / "lacks.csv", ["a", "b", "a"])).absent == ["c"]
    assert read_truth(folder, answers(tmp_path / "whole.csv", ["a", "b", "c"])).absent == []


def test_what_is_said_of_the_truth(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """How far it may be off, over groups drawn anew, and over the classes that are there, as scikit-learn has it."""
    rng = np.random.default_rng(0)
    right, voted = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    root = ensemble(tmp_path / "e", ("a", "b", "c"), voted.tolist(), ["ab"[v] for v in voted])
    key = answers(tmp_path / "key.csv", ["ab"[v] for v in right])
    assert main([str(root), str(key)]) == 0
    alone, said = read_truth(root, key), capfd.readouterr().out
    assert f"40 photos tell the truth to ± {alone.error():.4f}" in said and "expected" not in said
    present = f1_score(right, voted, average="macro")
    assert f"Over the other 2 alone: best single {present:.4f}, ensemble {present:.4f}" in said
    assert "here the vote is" not in said, "both are one"
    folder = EnsembleFolder(root)
    folder.write_test(**folder.test(), groups=np.arange(40) // 8)
    assert main([str(root), str(key)]) == 0
    assert "40 photos of 5 groups tell the truth to ± " in capfd.readouterr().out
    assert read_truth(root, key).error() != alone.error()


def test_truth_of_the_competition_is_in_numbers(tmp_path: Path) -> None:
    classes = tuple(f"class {i}" for i in range(3))
    truth = answers(tmp_path / "answers.csv", ["0", "1", "2"])
    folder = ensemble(tmp_path / "e", classes, [0, 1, 2], ["0", "1", "1"])
    assert true_scores(folder, truth) == pytest.approx({"ensemble": 5 / 9, "best_single": 1.0})


def asked(root: Path, form: Form, metric: str) -> Path:
    """An ensemble that is sure of cat, cat, dog, dog for the ids 1 to 4, or of 0, 0, 1, 1, answered in a form."""
    folder, vote = EnsembleFolder(root), np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]], np.float32)
    told = [form.names[c] for c in vote.argmax(1)] if form.kind == "label" else vote[:, form.positive].tolist()
    cells = {"": range(4), form.id: range(1, 5), form.columns[0]: told}
    write_table(folder.submission, form.header, list(zip(*(cells[name] for name in form.header), strict=True)))
    classes = np.array(["cat", "dog"] if form.names[0] in ("cat", "wolf") else list(form.names))
    folder.write_test(probabilities=vote[None, None], best_single=np.array(0), classes=classes, vote=vote)
    write_json(folder.summary_file, {"form": form.to_dict(), "metric": metric, "members": []})
    return root


NAMED, NUMBERS = ("cat", "dog"), ("0", "1")
RIGHT = {name: [a, a, b, b] for name, (a, b) in {"names": NAMED, "zeros": (0, 1), "ones": (1, 0)}.items()}


SCORE, LABEL = partial(Form, "score", "id"), partial(Form, "label", "id", ("id", "y"), ("y",))


@pytest.mark.parametrize(
    ("form", "columns"),
    [
        (SCORE(("id", "cat"), ("cat",), NAMED, positive=0), {"cat": "ones"}),  # 1 is cat
        (SCORE(("id", "cat"), ("cat",), NAMED, positive=0), {"dog": "zeros"}),  # 1 is dog
        (SCORE(("id", "p"), ("p",), NAMED), {"dog": "zeros"}),
        (LABEL(NUMBERS), {"y": "zeros", "Usage": "names"}),
        (LABEL(NUMBERS), {"y": "zeros", "n": "ones"}),  # not one-hot
        (LABEL(NUMBERS), {"1": "zeros", "0": "ones"}),
        (Form("label", "id", ("", "id", "y"), ("y",), NAMED), {"y": "names"}),
        (Form("label", "id", ("y", "id"), ("y",), NAMED), {"y": "names"}),
        (LABEL(("wolf", "hound")), {"x": "names", "Usage": "zeros"}),
    ],
)
def test_answer_keys_as_people_have_them(tmp_path: Path, form: Form, columns: dict[str, str]) -> None:
    metric = "roc_auc" if form.kind == "score" else "accuracy"
    root, rows = asked(tmp_path / "e", form, metric), [RIGHT[name] for name in columns.values()]
    write_table(tmp_path / "a.csv", ("id", *columns), list(zip(range(1, 5), *rows, strict=True))[::-1])
    if form.names[0] == "wolf":  # the submission calls classes otherwise: both are known, others are not
        with pytest.raises(InputError, match="received class"):
            write_table(tmp_path / "b.csv", ("id", "y"), [(i, "lynx") for i in range(1, 5)])
            true_scores(root, tmp_path / "b.csv")
    assert true_scores(root, tmp_path / "a.csv") == {"ensemble": 1, "best_single": 1}


def test_answers_in_a_column_an_attribute(tmp_path: Path) -> None:
    parts = (("a", "b"), ("3", "3"))
    form = Form("attributes", "id", ("id", "sort", "n"), ("sort", "n"), ("a 3", "b 3"), parts=parts)
    folder, vote = EnsembleFolder(tmp_path / "e"), np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    write_table(folder.submission, form.header, [(1, "a", 3), (2, "b", 3)])
    folder.write_test(probabilities=vote[None, None], best_single=np.array(0), classes=np.array(form.names), vote=vote)
    write_json(folder.summary_file, {"form": form.to_dict(), "metric": "accuracy", "members": []})
    write_table(tmp_path / "a.csv", ("id", "N", "sort"), [(2, 3, "b "), (1, 3, "a")])
    assert true_scores(folder.root, tmp_path / "a.csv") == {"ensemble": 1, "best_single": 1}
    write_table(tmp_path / "a.csv", ("id", "n", "sort"), [(2, 4, "b"), (1, 3, "a")])
    with pytest.raises(InputError, match="received b 4, no class; allowed: a 3, b 3"):
        true_scores(folder.root, tmp_path / "a.csv")


def test_numbers_are_no_names_of_classes_and_a_sorted_submission_is_put_in_order(tmp_path: Path) -> None:
    form = Form("columns", "id", ("id", "dog"), ("dog", "cat"), NAMED)
    root = asked(tmp_path / "e", form, "log_loss")
    write_table(tmp_path / "a.csv", ("id", "y"), list(zip(range(1, 5), RIGHT["ones"], strict=True)))
    with pytest.raises(InputError, match="received class '1'; allowed: cat, dog"):
        true_scores(root, tmp_path / "a.csv")
    root = asked(tmp_path / "f", Form("label", "id", ("id", "y"), ("y",), NAMED), "log_loss")
    write_table(EnsembleFolder(root).probabilities, ("id", "p cat"), [(i, 0) for i in range(1, 5)])
    write_table(tmp_path / "a.csv", ("id", "y"), list(zip(range(1, 5), RIGHT["names"], strict=True)))
    before = true_scores(root, tmp_path / "a.csv")
    write_table(EnsembleFolder(root).submission, ("id", "y"), [(i, NAMED[i > 2]) for i in (4, 3, 2, 1)])
    assert true_scores(root, tmp_path / "a.csv") == before


def test_labels_beside_predictions_are_two_readings(tmp_path: Path) -> None:
    """A submission that the labels were joined to scored itself, with 1."""
    folder = ensemble(tmp_path / "e", ("a", "b"), [0, 1], ["a", "b"])
    both = tmp_path / "both.csv"
    write_table(both, ("path", "prediction", "label"), [("0.png", "a", "b"), ("1.png", "b", "b")])
    with pytest.raises(InputError, match=r"two readings: answers in prediction, .* or in label; allowed: one of"):
        true_scores(folder, both)


def test_answers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = ensemble(tmp_path / "e", ("a", "b"), [0, 1], ["a", "b"])
    with pytest.raises(InputError, match="received class 'z'; allowed: a, b"):
        true_scores(folder, answers(tmp_path / "x.csv", ["a", "z"]))
    with pytest.raises(InputError, match="rows differ"):
        true_scores(folder, answers(tmp_path / "y.csv", ["a", "b", "b"]))
    with pytest.raises(InputError, match="no ensemble"):
        true_scores(tmp_path / "none", tmp_path / "y.csv")
    (tmp_path / "without").mkdir()
    write_json(EnsembleFolder(tmp_path / "without").summary_file, {})
    with pytest.raises(InputError, match=r"no submission: received .*without, which was built where"):
        true_scores(tmp_path / "without", tmp_path / "y.csv")


def test_how_far_the_vote_is_ahead_has_the_error_of_that_difference(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Over photos drawn anew, the same for both: a vote that errs where the single trial does differs by little."""
    rng = np.random.default_rng(1)
    right = rng.integers(0, 2, 400)
    single = np.where(rng.random(400) < 0.4, 1 - right, right)
    voted = np.where(rng.random(400) < 0.05, right, single)  # the same but for a few that are right
    root = ensemble(tmp_path / "e", ("a", "b"), single.tolist(), ["ab"[v] for v in voted])
    key = answers(tmp_path / "key.csv", ["ab"[v] for v in right])
    ahead, error = read_truth(root, key).ahead()
    score = partial(f1_score, average="macro")
    assert ahead == pytest.approx(score(right, voted) - score(right, single), abs=1e-9)
    drawn = [rng.integers(0, 400, 400) for _ in range(400)]
    assert error == pytest.approx(
        np.std([score(right[d], voted[d]) - score(right[d], single[d]) for d in drawn]), rel=0.3
    )
    assert error < read_truth(root, key).error()
    assert main([str(root), str(key)]) == 0
    assert f"here the vote is {ahead:.4f} ± {error:.4f} ahead of the best single trial" in capfd.readouterr().out
