"""Every command's --help says of each argument what it is, and of each number what it is by default."""

from __future__ import annotations

import argparse
import importlib

import pytest

from trainable.command import Parser
from trainable.commands import COMMANDS


class Read(Exception):
    """Carries a parser out of the command that made it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


@pytest.fixture(params=sorted(COMMANDS))
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    def stop(self: argparse.ArgumentParser, *_: object) -> None:
        raise Read(self)

    monkeypatch.setattr(Parser, "parse_args", stop)
    with pytest.raises(Read) as read:
        importlib.import_module(COMMANDS[request.param].module).main([])
    return read.value.parser


def test_every_argument_is_explained(parser: argparse.ArgumentParser) -> None:
    bare = [action.dest for action in parser._actions if not action.help]
    assert not bare, parser.prog


def test_every_number_has_its_default(parser: argparse.ArgumentParser) -> None:
    numbers = [a for a in parser._actions if isinstance(a.default, int | float) and not isinstance(a.default, bool)]
    told = [(a, (f"default: {a.default}", "default: the usable cores")) for a in numbers]
    untold = [a.dest for a, either in told if not any(word in (a.help or "") for word in either)]
    assert not untold, parser.prog
