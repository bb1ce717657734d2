"""Submissions against each other, and the table of what the leaderboard said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import refused, write_table
from sklearn.metrics import f1_score

from ensembles.compare.command import main
from ensembles.compare.comparison import compare, consensus, read_submissions
from ensembles.submissions_table import add_submission, correlation, read_submissions_table, table_beside
from trainable.data.form import Form
from trainable.errors import InputError
from trainable.files import write_json
from trainable.run import Run


def submission(path: Path, answers: list[object], names: list[str] | None = None) -> Path:
    names = names or [f"{i}.jpg" for i in range(len(answers))]
    write_table(path, ("ImageID", "ans"), list(zip(names, answers, strict=True)))
    return path


def test_every_submission_is_scored_against_the_vote_of_the_others() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 200)
    predictions = np.stack([np.where(random.random(200) < 0.2, random.integers(0, 3, 200), truth) for _ in range(4)])
    found = compare(predictions, ("a", "b", "c"))
    for s in range(4):
        others = np.delete(predictions, s, 0)
        counts = np.stack([(others == c).sum(0) for c in range(3)])
        voted = counts.argmax(0)
        tied = (counts == counts.max(0)).sum(0) > 1
        # every tie among three votes is three different classes: the first submission's answer
        voted[tied] = others[0, tied]
        assert found.consensus[s] == pytest.approx(f1_score(voted, predictions[s], average="macro", zero_division=0))
        assert found.agreement[s, 0] == (predictions[s] == predictions[0]).mean()
    assert found.counts.sum() == 800
    assert found.gained[1, 2] == ((predictions[0] != 2) & (predictions[1] == 2)).sum()
    assert found.lost[1, 0] == ((predictions[0] == 0) & (predictions[1] != 0)).sum()


def test_a_tie_goes_to_the_earliest_submission() -> None:
    assert consensus(np.array([[2, 0], [1, 0], [1, 1], [2, 1]])).tolist() == [2, 0]


def test_rows_may_stand_in_another_order(tmp_path: Path) -> None:
    one = submission(tmp_path / "a.csv", [10, 2, 9])
    two = submission(tmp_path / "b.csv", [9, 10, 2], ["2.jpg", "0.jpg", "1.jpg"])
    predictions, classes = read_submissions([one, two])
    assert classes == ("2", "9", "10")  # numbers in their order
    assert predictions.tolist() == [[2, 0, 1], [2, 0, 1]]


def test_numbers_are_compared_by_value_and_an_index_is_no_key(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [("x", 3), ("y", 12), ("z", 3)]
    write_table(tmp_path / "int.csv", ("ImageID", "ans"), rows)
    write_table(tmp_path / "float.csv", ("ImageID", "ans"), [(key, f"{n}.0") for key, n in rows])
    write_table(tmp_path / "index.csv", ("", "ImageID", "ans"), [(i, *row) for i, row in enumerate(rows[::-1])])
    for other in ("float.csv", "index.csv"):
        for pair in (("int.csv", other), (other, "int.csv")):
            found, classes = read_submissions([tmp_path / name for name in pair])
            assert (found[0] == found[1]).all() and classes == ("3", "12")
    write_table(tmp_path / "twice.csv", ("ImageID", "ans", "ans"), [(*row, 1) for row in rows])
    line = refused(capfd, main, tmp_path / "twice.csv", tmp_path / "int.csv")
    assert "header there twice: received 'ans'" in line


@pytest.mark.parametrize(
    ("header", "one", "other", "words", "said"),
    [
        (("id", "cat", "dog"), [(0.9, 0.1), (0.2, 0.8)], [(0.6, 0.4), (0.7, 0.3)], ("cat", "dog"), "likeliest of 2"),
        (("id", "cat"), [(0.9,), (0.2,)], [(0.6,), (1,)], (".5 or more", "below .5"), "whether cat is .5 or more"),
        (("id", "l"), [("a 0.9",), ("b 0.8",)], [("a 0.5",), ("a 0.6",)], ("a", "b"), "first label of each l"),
        (("id", "l", "conf"), [("a", 0.9), ("b", 0.8)], [("a", 0.7), ("a", 0.6)], ("a", "b"), "compared: l"),
        (("id", "s", "n"), [("a", 3), ("b", 2)], [("a", 3), ("a", 3)], ("a / 3", "b / 2"), "s, n together"),
    ],
)
def test_other_forms_are_compared_by_their_first_answer(
    tmp_path: Path, header: tuple[str, ...], one: list, other: list, words: tuple[str, ...], said: str
) -> None:
    for name, rows in (("a.csv", one), ("b.csv", other)):
        write_table(tmp_path / name, header, [(f"{i}", *row) for i, row in enumerate(rows)])
    told: list[str] = []
    found, classes = read_submissions([tmp_path / "a.csv", tmp_path / "b.csv"], told.append)
    assert classes == words and found.tolist() == [[0, 1], [0, 0]]
    assert len(told) == 1 and said in told[0]
    write_table(tmp_path / "b.csv", (*header, "x"), [(f"{i}", *row, "y") for i, row in enumerate(other)][::-1])
    write_table(tmp_path / "b.csv", header[::-1], [(*row[::-1], f"{i}") for i, row in enumerate(other)])
    assert (read_submissions([tmp_path / "a.csv", tmp_path / "b.csv"], told.append)[0] == found).all()


def test_a_list_is_compared_by_its_first_label_where_a_build_wrote_it(tmp_path: Path) -> None:
    folder = Run(tmp_path / "runs" / "one").ensemble("e")
    write_table(folder.submission, ("l", "id"), [("a b", 1), ("b a", 2), ("a c", 3)])
    form = Form("ranked", "id", ("l", "id"), ("l",), ("a", "b", "c"), length=2)
    write_json(folder.summary_file, {"form": form.to_dict()})
    write_table(tmp_path / "b.csv", ("id", "l"), [(2, "b c"), (1, "a c"), (3, "c a")])
    found, classes = read_submissions([tmp_path / "b.csv", folder.submission])
    assert classes == ("a", "b", "c") and found.tolist() == [[1, 0, 2], [1, 0, 0]]


@pytest.mark.parametrize("turned", [1, -1])
def test_what_predict_wrote_is_compared_with_the_submission_of_the_same_photos(tmp_path: Path, turned: int) -> None:
    """The submission has the table's own names of columns, where no sample gave it others."""
    folder = Run(tmp_path / "run").ensemble("auto")
    form = Form("label", "photo", ("photo", "finding"), ("finding",), ("a", "b"))
    write_json(folder.summary_file, {"form": form.to_dict()})
    write_table(folder.submission, ("photo", "finding"), [("test/1.jpg", "a"), ("test/2.jpg", "b")])
    new = tmp_path / "new.csv"
    new.write_text("path,prediction,p a,p b\n/d/test/2.jpg,b,0.1,0.9\n/d/test/1.jpg,b,0.3,0.7\n")
    found, classes = read_submissions([folder.submission, new][::turned])
    assert classes == ("a", "b")
    assert sorted(map(sorted, found.tolist())) == [[0, 1], [1, 1]]


def test_command_prints_and_names_the_next(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = [submission(tmp_path / f"{n}.csv", answers) for n, answers in (("a", [0, 1, 2, 2]), ("b", [0, 1, 1, 2]))]
    assert main([str(f) for f in files]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert any("0.750" in line for line in lines)
    assert lines[-1].startswith("next: ") and not any("closest to" in line for line in lines), "of two neither is"
    third = submission(tmp_path / "c.csv", [0, 1, 1, 2])
    assert main([str(f) for f in (*files, third)]) == 0
    assert "closest to the vote of the others: " in capfd.readouterr().out


def test_submissions_that_do_not_fit_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one = submission(tmp_path / "a.csv", [0, 1])
    other = submission(tmp_path / "b.csv", [0, 1], ["x.jpg", "y.jpg"])
    assert f"{other}: received other rows than {one}" in refused(capfd, main, one, other)
    assert "received 1; allowed: two or more" in refused(capfd, main, one)
    twice = submission(tmp_path / "d.csv", [0, 1, 1], ["0.jpg", "1.jpg", "1.jpg"])
    assert f"{twice}: ImageID there twice: received 1.jpg; allowed: each once" in refused(capfd, main, one, twice)
    write_table(tmp_path / "e.csv", ("ImageID", "ans"), [("0.jpg", 1), ("1.jpg", " ")])
    assert "e.csv: no ans for 1.jpg; allowed: an answer in every row" in refused(capfd, main, one, tmp_path / "e.csv")
    assert f"missing table: received {tmp_path}, a folder; allowed: a CSV" in refused(capfd, main, one, tmp_path)
    write_table(tmp_path / "c.csv", ("path", "prediction"), [("x", 1)])
    assert "received columns path, prediction" in refused(capfd, main, one, tmp_path / "c.csv")
    assert "received score '7'" in refused(capfd, main, "--note", one, 7)
    assert "allowed: RUN/ensembles/NAME/submission.csv, or --table CSV" in refused(capfd, main, "--note", one, 0.5)


def test_table_keeps_builds_and_scores(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nested, scores = [0.71, 0.75, 0.74, 0.6], [0.70, 0.73, 0.74]
    files = []
    for number, value in enumerate(nested):
        folder = Run(tmp_path / "runs" / "one").ensemble(f"e{number}")
        files.append(submission(folder.submission, [0, 1]))
        add_submission(folder, "greedy", "macro_f1", value + 0.02, value, 0.01)
    place = table_beside(files[0])
    assert place == tmp_path / "runs" / "submissions.csv"
    for file, score in zip(files, scores, strict=False):
        assert main(["--note", str(file), str(score)]) == 0
    assert "3 pairs, correlation" in capfd.readouterr().out
    table = read_submissions_table(place)
    assert table["path"].tolist() == [str(f) for f in files]
    assert table["score"].tolist() == ["0.7", "0.73", "0.74", ""]
    expected = np.corrcoef(nested[:3], scores)[0, 1]
    assert correlation(table) == (3, pytest.approx(expected))
    assert main(["--note", str(files[0]), "0.69"]) == 0  # noted again: the later word counts
    assert read_submissions_table(place)["score"].tolist()[0] == "0.69"


def test_a_loss_is_noted_with_its_own_sign(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nested scores of losses are negated in the table, the leaderboard's are not: both fall together."""
    run = Run(tmp_path / "runs" / "one")
    for number, (nested, noted) in enumerate([(-1.5, 1.6), (-1.2, 1.1), (-0.9, 1.0)]):
        folder = run.ensemble(f"e{number}")
        file = submission(folder.submission, [0, 1])
        write_json(folder.summary_file, {"metric": "log_loss"})
        add_submission(folder, "greedy", "log_loss", nested, nested, 0.1)
        assert main(["--note", str(file), str(noted)]) == 0
    other = run.ensemble("other")
    submission(other.submission, [0, 1])
    add_submission(other, "greedy", "macro_f1", 0.7, 0.7, 0.1)
    table = read_submissions_table(table_beside(other.submission))
    assert table["metric"].tolist() == ["log_loss"] * 3 + ["macro_f1"]
    assert correlation(table) == (3, pytest.approx(np.corrcoef([1.5, 1.2, 0.9], [1.6, 1.1, 1.0])[0, 1]))
    assert "received score '7'" in refused(capfd, main, "--note", other.submission, 7)


def test_submissions_from_elsewhere_need_a_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="allowed: RUN/ensembles"):
        table_beside(tmp_path / "s.csv")
    file = submission(tmp_path / "s.csv", [0])
    assert main(["--note", str(file), "0.5", "--table", str(tmp_path / "l.csv")]) == 0
    assert pd.read_csv(tmp_path / "l.csv")["score"].tolist() == [0.5]
    assert np.isnan(correlation(read_submissions_table(tmp_path / "l.csv"))[1])


def test_a_column_that_says_which_rows_are_public_is_no_answer(tmp_path: Path) -> None:
    """Beside columns of probabilities it was what was compared: all submissions were equal."""
    usage = ["Public", "Private", "Public"]
    for n, sure in enumerate(([0.9, 0.8, 0.1], [0.2, 0.3, 0.4])):
        rows = [(f"{i}.jpg", p, round(1 - p, 1), usage[i]) for i, p in enumerate(sure)]
        write_table(tmp_path / f"{n}.csv", ("id", "cat", "dog", "Usage"), rows)
    found, names = read_submissions([tmp_path / "0.csv", tmp_path / "1.csv"])
    assert [[names[c] for c in row] for row in found] == [["cat", "cat", "dog"], ["dog"] * 3]
