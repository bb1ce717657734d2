"""Files that a trial reads from outside, copied into the run and named by content.

What a user does to the original afterwards (edit, move, delete it) then changes nothing that was begun, and a run that
is moved takes them along. A configuration on disk holds `sha256:<digest>`, in memory the path of the copy.

    inputs/<digest>.csv      a copy
    inputs/<digest>.safetensors   weights of a frozen network that heads of several trials stand on
    inputs/space/NAME.py     modules that the space file imports from its own folder
    inputs/names.json        {path of the original: digest of what it held when it was first used}
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainable.files import digest, read_json, write_bytes, write_json, write_text

CONTENT = "sha256:"
BUILT_IN = ("none", "core")


def keep(values: dict[str, Any], run: Path) -> dict[str, Any]:
    """A configuration's dict with its corrections file replaced by the name of a copy below `run`."""
    named = values["rows"]["corrections"]
    if named in BUILT_IN:
        return values
    content = digest(Path(named))
    copy = _copy(run, content)
    if not copy.exists():
        write_bytes(copy, Path(named).read_bytes())
    if Path(named) != copy:
        names = _names(run)
        if named not in names:
            write_json(_index(run), {**names, named: content})
    return {**values, "rows": {**values["rows"], "corrections": CONTENT + content}}


def as_kept(values: dict[str, Any], run: Path) -> dict[str, Any]:
    """The inverse: the copy's path in the place of its name; anything else stays as it is."""
    rows = values.get("rows") if isinstance(values, dict) else None
    named = rows.get("corrections") if isinstance(rows, dict) else None
    if not isinstance(named, str) or not named.startswith(CONTENT):
        return values
    copy = _copy(run, named.removeprefix(CONTENT))
    return {**values, "rows": {**values["rows"], "corrections": str(copy)}}


def kept(path: str, run: Path) -> str:
    """The copy of a file as it was when the run first used it; the path itself where the run has none."""
    content = _names(run).get(str(Path(path).absolute()))
    return path if content is None else str(_copy(run, content))


def keep_body(content: bytes, run: Path) -> Path:
    """The run's copy of the weights of a frozen network."""
    file = body(hashlib.sha256(content).hexdigest(), run)
    if not file.exists():
        write_bytes(file, content)
    return file


def share_body(file: Path, run: Path) -> Path:
    """The copy in `run` of the weights of a frozen network that another run keeps: the same file where disks allow."""
    copy = body(file.stem, run)
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, copy)
        except OSError:
            write_bytes(copy, file.read_bytes())
    return copy


def body(content: str, run: Path) -> Path:
    """Where the run keeps the weights of a frozen network with this digest."""
    return run / "inputs" / f"{content}.safetensors"


def beside_space(run: Path) -> Path:
    """Where the run keeps the modules that its space file imports from its own folder."""
    return run / "inputs" / "space"


def keep_beside(texts: Mapping[str, str], run: Path) -> None:
    """Copy these modules; {name: text}."""
    for name, text in texts.items():
        write_text(beside_space(run) / name, text)


def kept_beside(run: Path) -> dict[str, str]:
    """{name: text} of the modules as the run began with them."""
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(beside_space(run).glob("*.py"))}


def run_of_trial(config: Path) -> Path:
    """The run's folder of a configuration that lies in a trial's."""
    return config.absolute().parent.parent.parent


def _names(run: Path) -> dict[str, str]:
    return read_json(_index(run)) if _index(run).exists() else {}


def _index(run: Path) -> Path:
    return run / "inputs" / "names.json"


def _copy(run: Path, content: str) -> Path:
    return run / "inputs" / f"{content}.csv"
