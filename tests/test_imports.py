"""The arrows of the design, read from the imports; who may name a run's files, and how long code may be."""

import ast
import re
import sys
from pathlib import Path

import optuna
import pytest

from search.space import DataFacts
from search.space_file import load_space
from trainable.config import TrialConfig
from trainable.data.layouts.competition import CLASSES, MADE_OF

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ("spaces", "search", "trainable", "ensembles", "foldvote")
ALLOWED = {
    "foldvote": {"foldvote", "search", "ensembles", "trainable"},
    "trainable": {"trainable"},
    "ensembles": {"ensembles", "trainable"},
    "search": {"search", "ensembles", "trainable"},
    "spaces": {"spaces", "search.space", "trainable.config"},
}
FOREIGN = {"trainable": {"ray", "optuna"}, "ensembles": {"ray", "optuna"}}
# Within trainable: what a room does not know. Those that are not here may import all.
CLOSED = {
    "ring": {"config", "data", "images", "metrics", "run", "models", "features", "training"},
    "data": {"run", "models", "features", "training"},
    "images": {"run", "models", "features", "training"},
    "metrics": {"run", "models", "features", "training"},
    "models": {"run", "features", "training"},
    "features": {"run", "training"},
    "run": {"models", "features", "training"},
}
RUN_FILES = ("config.json", "result.json", "oof.npz", "valid.npz", "metrics.jsonl", "experiment.json", "ensemble.json")
MODULES = sorted(p for room in HOUSE for p in (ROOT / room).rglob("*.py"))
SPACES = sorted(p for p in (ROOT / "spaces").rglob("*.py") if p.name != "__init__.py")
FACTS = {
    "competition": DataFacts(18_900, 2_700, CLASSES, MADE_OF.names),
    "generic": DataFacts(1_000, 200, tuple("0123456789"), ()),
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, by its full name."""
    package = list(path.relative_to(ROOT).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # `from search import space` imports search.space, `from search.space import Search` does too.
            parts = [f"{base}.{alias.name}" for alias in node.names]
            places = {p: ROOT / Path(*p.split(".")) for p in parts}
            modules = [p for p, at in places.items() if at.with_suffix(".py").exists() or (at / "__init__.py").exists()]
            found |= set(modules) or {base}
    return found


def within(module: str, allowed: str) -> bool:
    return module == allowed or module.startswith(allowed + ".")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for module in imported(path):
        top = module.split(".")[0]
        assert top not in FOREIGN.get(room, set()), f"{name(path)} imports {module}"
        if top in (*HOUSE, "tests", "benchmarks"):
            assert any(within(module, a) for a in ALLOWED[room]), f"{name(path)} imports {module}"
        if room == "spaces":
            assert top in (*HOUSE, "optuna") or top in sys.stdlib_module_names, f"{name(path)} imports {module}"


def inside_trainable(path: Path) -> tuple[str, set[str]]:
    """The room of trainable that a file lies in, and those that it imports."""
    rooms = {module.split(".")[1] for module in imported(path) if module.startswith("trainable.")}
    return path.relative_to(ROOT / "trainable").parts[0], rooms


TRAINABLE = [path for path in MODULES if path.is_relative_to(ROOT / "trainable")]


@pytest.mark.parametrize("path", TRAINABLE, ids=name)
def test_rooms_of_trainable_know_those_below_them(path: Path) -> None:
    room, others = inside_trainable(path)
    if room == "config":
        assert others <= {"config", "errors"}, f"{name(path)} imports {others}"
    assert not others & CLOSED.get(room, set()), f"{name(path)} imports {others & CLOSED[room]}"


def test_rooms_that_may_not_know_others_are_there() -> None:
    there = {path.name for path in (ROOT / "trainable").iterdir() if (path / "__init__.py").exists()}
    known = {"config", "sample", *CLOSED, *(room for rooms in CLOSED.values() for room in rooms)}
    assert known <= there, "a room was renamed: what it may import is no longer looked at"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_product_module_imports_the_generator_of_photos(path: Path) -> None:
    if not path.is_relative_to(ROOT / "trainable" / "sample"):
        assert not any(within(module, "trainable.sample") for module in imported(path))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_runs_files_are_named_in_one_place(path: Path) -> None:
    if not path.is_relative_to(ROOT / "trainable" / "run"):
        text = path.read_text(encoding="utf-8")
        assert not [file for file in RUN_FILES if file in text]


def test_a_director_is_made_in_one_place() -> None:
    made = {
        name(path)
        for room in (*HOUSE, "tests", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Director"
    }
    assert made == {"search/assemble.py"}


def test_reader_of_imports_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "trainable" / "data" / "x.py"
    path.parent.mkdir(parents=True)
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "space.py").touch()
    path.write_text(
        "import ray.tune as t\nfrom ..config import A\nfrom . import y\n"
        "def f():\n    from search import space\n    import optuna\n    from trainable import data, files"
    )
    (tmp_path / "trainable" / "data" / "__init__.py").touch()
    (tmp_path / "trainable" / "files.py").touch()
    found = {"ray.tune", "trainable.config", "trainable.data", "trainable.files", "search.space", "optuna"}
    assert imported(path) == found


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_is_above_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_function_is_above_60_lines(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 <= 60, f"{name(path)}: {node.name}"


@pytest.mark.parametrize("facts", FACTS)
@pytest.mark.parametrize("path", SPACES, ids=name)
def test_50_configurations_of_every_space_are_valid(path: Path, facts: str) -> None:
    """Also for data without attributes: the shipped spaces leave out what the data cannot carry."""
    space = load_space(path)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    ids = set()
    for _ in range(50):
        config = space.config(study.ask(), FACTS[facts])
        assert isinstance(config, TrialConfig)
        assert TrialConfig.from_dict(config.to_dict()) == config
        ids.add(config.trial_id("folds"))
    assert len(ids) > 1 or space.search.trials == 1


@pytest.mark.parametrize("path", SPACES, ids=name)
def test_every_space_says_how_to_run_it_what_to_expect_and_why(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    for part in ("Run:", "Expect:", "Why:"):
        assert part in text, f"{name(path)} does not say {part}"
    assert f"python -m search.run {name(path)}" in text


# One competition's words: they stand in its layout, its sample, its spaces and recipes only.
WORDS = re.compile(r"(?<![A-Za-z])(?<!GC_INIT_WITH_)(mask|gender|age)(?![A-Za-z])", re.IGNORECASE)
WITH_WORDS = ("spaces", "trainable/data/layouts/competition", "trainable/sample")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_attributes_are_data(path: Path) -> None:
    if not name(path).startswith(WITH_WORDS):
        assert not [line for line in path.read_text(encoding="utf-8").splitlines() if WORDS.search(line)]
