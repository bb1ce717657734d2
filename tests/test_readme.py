"""Commands of the README and the docs parse: a renamed option breaks this, not a newcomer's first minute."""

import argparse
import importlib
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest

from search.space import DataFacts
from search.space_file import load_space
from trainable.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(text: str) -> Iterator[str]:
    """Commands that start with `python -m` or `foldvote` in fenced or indented blocks; no prompts, no comments."""
    blocks = BLOCK.findall(text)
    blocks += ["\n".join(line for line in BLOCK.sub("", text).splitlines() if line.startswith("    "))]
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"^\s*(\$ )?((\w+=\S+|\.venv/bin/)\s*)*(?=python|foldvote)", "", line)
            words = shlex.split(line, comments=True) if line.startswith(("python -m ", "foldvote ")) else []
            # A synopsis ([--option X], N for a number) is no command.
            if words and not any(w.startswith("[") for w in words):
                yield shlex.join(words[: words.index("|")] if "|" in words else words)


FOUND = [(text.name, command) for text in TEXTS if text.exists() for command in commands(text.read_text("utf-8"))]


class ParsedError(Exception):
    """Parsing went well; the command itself is not run."""


@pytest.mark.parametrize(("where", "command"), FOUND)
def test_command_parses(where: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, *arguments = called(shlex.split(command))
    if module.split(".")[0] not in ("search", "ensembles", "trainable", "benchmarks", "foldvote"):
        assert importlib.util.find_spec(module) is not None or module in ("venv", "pip"), f"{where}: {module}"
        return
    if importlib.util.find_spec(f"{module}.__main__" if is_package(module) else module) is None:
        pytest.fail(f"{where}: no module {module}")
    main = main_of(module)
    real = argparse.ArgumentParser.parse_args

    def parse(self: argparse.ArgumentParser, *given: object, **options: object) -> None:
        real(self, *given, **options)  # type: ignore[call-overload]
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    with pytest.raises(ParsedError):
        main(arguments)


def called(words: list[str]) -> list[str]:
    """The module of `python -m MODULE ...` or `foldvote NAME ...`, and its arguments."""
    return words[2:] if words[0] == "python" else [COMMANDS[words[1]].module.removesuffix(".__main__"), *words[2:]]


def main_of(module: str) -> Callable[[list[str]], int | None]:
    """What `python -m module` runs."""
    return importlib.import_module(f"{module}.__main__" if is_package(module) else module).main  # type: ignore[no-any-return]


def is_package(module: str) -> bool:
    return (ROOT / Path(*module.split(".")) / "__init__.py").exists()


def test_readme_has_a_command() -> None:
    assert [command for where, command in FOUND if where == "README.md"]


def test_commands_are_found_in_every_kind_of_block() -> None:
    text = """
```sh
$ python -m search.run a.py --trials 3   # a comment
FOLDVOTE_DATA=/x python -m ensembles.build \\
    --size 3
make demo
```
    python -m trainable.sample OUT [--people N]
    python -m tensorboard.main --logdir runs
"""
    assert list(commands(text)) == [
        "python -m search.run a.py --trials 3",
        "python -m ensembles.build --size 3",
        "python -m tensorboard.main --logdir runs",
    ]


SPACES = re.findall(r"^```python\n(.*?)^```", TEXTS[0].read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", SPACES)
def test_spaces_of_the_readme_run_as_they_stand(block: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(block)
    space = load_space(tmp_path / "mine.py")
    facts = DataFacts(1_000, 200, ("cat", "dog"), ())
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    assert len({space.config(study.ask(), facts).trial_id("folds") for _ in range(5)}) == 5


def test_readme_has_a_space() -> None:
    assert any("SEARCH =" in block for block in SPACES)
