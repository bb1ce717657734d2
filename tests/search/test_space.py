"""Space files."""

from pathlib import Path

import optuna
import pytest
from helpers import SPACE, space_file

from search.arguments import parser
from search.space import DataFacts, Search
from search.space_file import load_space
from search.spaces import FIRST, find_space, shipped
from trainable.data.layouts import read_manifest
from trainable.errors import InputError

FACTS = DataFacts(24, 12, ("a", "b", "c"), ())


def test_facts_are_those_of_the_data(sample: Path, generic: Path) -> None:
    assert DataFacts.of(read_manifest(generic)) == DataFacts(24, 12, ("class0", "class1", "class2"), ())
    facts = DataFacts.of(read_manifest(sample))
    assert (facts.rows, facts.groups, len(facts.classes)) == (168, 24, 18)
    assert facts.attributes == ("mask", "gender", "age")


def test_what_search_fixes_is_the_same_in_every_configuration(tmp_path: Path) -> None:
    text = SPACE.replace("epochs=1", "epochs=7, seed=5").replace("store_size=(32, 32)", "store_size=(64, 48)")
    space = load_space(space_file(tmp_path, text))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    configs = [space.config(study.ask(), FACTS) for _ in range(5)]
    assert {(c.epochs, c.seed, c.input.store) for c in configs} == {(7, 5, (64, 48))}
    assert len({c.optim.lr for c in configs}) == 5


def test_variant_imports_another_file_and_changes_two_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space_file(tmp_path, SPACE, "parent_space")
    monkeypatch.syspath_prepend(tmp_path)
    child = space_file(
        tmp_path,
        "from parent_space import SEARCH, space as parent\n"
        "def space(trial, data):\n    return {**parent(trial, data), 'batch_size': 16}\n",
        "child",
    )
    config = load_space(child).config(optuna.trial.FixedTrial({"lr": 2e-3}), FACTS)
    assert (config.batch_size, config.optim.lr) == (16, 2e-3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"trials": 0}, "search.trials: received 0"),
        ({"folds": 2.5}, "search.folds: received 2.5"),
        ({"store_size": (512,)}, "search.store_size"),
        ({"sampler": "gp"}, "allowed: tpe, random"),
        ({"first": ("lr",)}, "a tuple of dicts"),
        ({"margin": float("nan")}, "search.margin"),
    ],
)
def test_search_is_checked_when_made(values: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Search(**values)


def test_shipped_spaces_are_found_by_name_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "demo").write_text("no space")
    for name in ("demo", "full", "swin_f1"):
        assert load_space(find_space(Path(name))).path.stem == name


def test_list_says_which_spaces_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parser().parse_args(["--list"])
    lines = capsys.readouterr().out.splitlines()
    named = [line.split()[0] for line in lines[: lines.index("")] if not line.startswith(" ")]
    assert named[:4] == FIRST.split(", ") and set(named) == set(shipped())
    assert lines[0].startswith("demo ") and "Tiny networks on small photos" in lines[0]
    assert max(map(len, lines)) <= 80


def test_unknown_space_offers_the_nearest_and_what_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="unknown space 'demoo'; nearest: demo"):
        find_space(Path("demoo"))
    (tmp_path / "mine").mkdir()
    for path in (Path("demo.py"), Path("mine/demo"), tmp_path / "demo"):
        with pytest.raises(InputError, match=f"no space file: received {path}.*; allowed: .*: demo, frozen, any, full"):
            find_space(path)
        path.touch()
        assert find_space(path) == path


@pytest.mark.parametrize("coding", ["cp949", "euc-kr", "utf-8"])
def test_file_in_another_encoding_is_kept_in_one_that_it_declares(tmp_path: Path, coding: str) -> None:
    """PEP 263, as Korean editors write it; the copy in a run is UTF-8 and says so."""
    text = f"#!/usr/bin/env python\n# -*- coding: {coding} -*-\nMOTTO = '한글'\n{SPACE}"
    (tmp_path / "korean.py").write_bytes(text.encode(coding))
    kept = load_space(tmp_path / "korean.py").text
    assert kept == text.replace(coding, "utf-8")
    again = load_space(space_file(tmp_path, kept, "kept"))
    assert again.text == kept


def test_file_in_an_encoding_that_it_does_not_declare_is_refused(tmp_path: Path) -> None:
    (tmp_path / "korean.py").write_bytes(f"# 한글\n{SPACE}".encode("cp949"))
    with pytest.raises(InputError, match=r"korean.py.* cannot be run: SyntaxError: .*"):
        load_space(tmp_path / "korean.py")


def test_first_rung_is_that_of_the_networks_unless_the_space_says(tmp_path: Path) -> None:
    text = SPACE.replace("epochs=1", "epochs=16")
    assert text != SPACE

    def first(name: str, changed: str) -> int:
        return next(iter(load_space(space_file(tmp_path, changed, name)).race().rungs))

    assert first("random", text) == 8
    assert first("pretrained", text.replace('"pretrained": False', '"pretrained": True')) == 2
    either = text.replace('"pretrained": False', '"pretrained": trial.suggest_categorical("known", [True, False])')
    assert first("either", either) == 8
    assert first("told", text.replace("epochs=16", "epochs=16, grace=5")) == 5
