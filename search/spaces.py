"""Spaces that come with foldvote, by name. Nothing heavy is imported for them."""

from importlib.resources import files
from pathlib import Path

from trainable.errors import InputError, unknown

FIRST = "demo, frozen, any, full"  # the ones to begin with


def shipped() -> dict[str, Path]:
    """Spaces that come with foldvote, by the names that the command knows them under."""
    folder = Path(str(files("spaces")))
    found = [*sorted(folder.glob("*.py")), *sorted((folder / "recipes").glob("*.py"))]
    return {path.stem: path for path in found if path.stem != "__init__"}


def find_space(asked: Path) -> Path:
    """A space file by its path or, for a plain word, by the name of one that is shipped; InputError where none is."""
    if asked.suffix or len(asked.parts) != 1:
        if not asked.is_file():
            allowed = "a Python file with SEARCH and space(trial, data), or one by name: " + FIRST
            raise InputError(f"no space file: received {asked}; allowed: {allowed}")
        return asked
    known = shipped()
    if str(asked) not in known:
        raise unknown("space", str(asked), [*known], limit=len(known))
    return known[str(asked)]
