"""Spaces that come with foldvote, by name. Nothing heavy is imported for them."""

import ast
import textwrap
from importlib.resources import files
from pathlib import Path

from trainable.errors import InputError, unknown

WHERE = (
    "demo, frozen and any run without a GPU; the others want one, and weights from a hub. Those after full and "
    "ablation retell published solutions of the competition that foldvote was made for. The files lie in {folder}; a "
    "space of your own may begin with `from spaces.demo import space`."
)
FIRST = "demo, frozen, any, full"  # the ones to begin with


def shipped() -> dict[str, Path]:
    """Spaces that come with foldvote, by the names that the command knows them under."""
    folder = Path(str(files("spaces")))
    found = [*sorted(folder.glob("*.py")), *sorted((folder / "recipes").glob("*.py"))]
    return {path.stem: path for path in found if path.stem != "__init__"}


def listed(width: int) -> str:
    """The spaces that come with foldvote, each with the first sentence of its file, in lines of `width` characters."""
    known = shipped()
    names = [*FIRST.split(", "), *(name for name in known if name not in FIRST.split(", "))]
    indent = max(map(len, names)) + 2
    told = {name: ast.get_docstring(ast.parse(known[name].read_text(encoding="utf-8"))) or "" for name in names}
    lines = [
        textwrap.fill(f"{name:{indent}}{text.partition(chr(10))[0]}", width, subsequent_indent=" " * indent)
        for name, text in told.items()
    ]
    return "\n".join([*lines, "", *textwrap.wrap(WHERE.format(folder=known["demo"].parent), width)])


def find_space(asked: Path) -> Path:
    """A space file by its path or, for a plain word, by the name of one that is shipped; InputError where none is."""
    if asked.is_dir() and str(asked) not in shipped():
        raise InputError(
            f"SPACE: received {asked}, a folder; allowed: a space ({FIRST}), and --data {asked} for photos"
        )
    if asked.suffix or len(asked.parts) != 1:
        if not asked.is_file():
            meant = f"; did you mean {asked.stem}, which comes with foldvote" if asked.stem in shipped() else ""
            allowed = "a Python file with SEARCH and space(trial, data), or one by name: " + FIRST
            raise InputError(f"no space file: received {asked}{meant}; allowed: {allowed}")
        return asked
    known = shipped()
    if str(asked) not in known:
        raise unknown("space", str(asked), [*known], limit=len(known))
    return known[str(asked)]
