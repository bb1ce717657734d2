"""The arrows of the design, read from the imports; and how long a module may be."""

import ast
import sys
from pathlib import Path

import optuna
import pytest

from search.space import DataFacts
from search.space_file import load_space
from trainable.config import TrialConfig
from trainable.data.labels import ATTRIBUTES, CLASSES

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ("spaces", "search", "trainable", "ensembles")
ALLOWED = {
    "trainable": {"trainable"},
    "ensembles": {"ensembles", "trainable"},
    "search": {"search", "ensembles", "trainable"},
    "spaces": {"spaces", "search.space", "trainable.config"},
}
FOREIGN = {"trainable": {"ray", "optuna"}, "ensembles": {"ray", "optuna"}}
MODULES = sorted(p for room in HOUSE for p in (ROOT / room).rglob("*.py"))
SPACES = sorted(p for p in (ROOT / "spaces").rglob("*.py") if p.name != "__init__.py")
FACTS = {
    "competition": DataFacts(18_900, 2_700, CLASSES, tuple(ATTRIBUTES)),
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
            modules = [p for p in parts if (ROOT / Path(*p.split("."))).with_suffix(".py").exists()]
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


def test_reader_of_imports_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "trainable" / "data" / "x.py"
    path.parent.mkdir(parents=True)
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "space.py").touch()
    path.write_text(
        "import ray.tune as t\nfrom ..config import A\nfrom . import y\n"
        "def f():\n    from search import space\n    import optuna"
    )
    assert imported(path) == {"ray.tune", "trainable.config", "trainable.data", "search.space", "optuna"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_is_above_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


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
