"""Files that a trial reads from outside, copied into the run and named by content.

What a user does to the original afterwards (edit, move, delete it) then changes nothing that was begun, and a run that
is moved takes them along. A configuration on disk holds `sha256:<digest>`, in memory the path of the copy.
"""

from pathlib import Path
from typing import Any

from trainable.files import digest, write_bytes

CONTENT = "sha256:"
BUILT_IN = ("none", "core")


def keep(values: dict[str, Any], run: Path) -> dict[str, Any]:
    """A configuration's dict with its corrections file replaced by the name of a copy below `run`."""
    named = values["rows"]["corrections"]
    if named in BUILT_IN:
        return values
    content = digest(Path(named))
    copy = _place(run, content)
    if not copy.exists():
        write_bytes(copy, Path(named).read_bytes())
    return {**values, "rows": {**values["rows"], "corrections": CONTENT + content}}


def as_kept(values: dict[str, Any], run: Path) -> dict[str, Any]:
    """The inverse: the copy's path in the place of its name."""
    named = values["rows"]["corrections"]
    if not named.startswith(CONTENT):
        return values
    copy = _place(run, named.removeprefix(CONTENT))
    return {**values, "rows": {**values["rows"], "corrections": str(copy)}}


def _place(run: Path, content: str) -> Path:
    return run / "inputs" / f"{content}.csv"
