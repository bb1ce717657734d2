"""How the networks of a run are trained fastest, found out once for each kind of device and network.

    ways.json   {device: {network: {"way": str, "seconds": {way: of a batch}, "refused": str}}}

Every trial, restart and resume reads it: otherwise the same configuration would not be the same trial.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainable.files import read_json, write_json
from trainable.locks import waiting_for


@dataclass(frozen=True)
class Way:
    """way: the one that is used. seconds: of a batch, by each that was tried. refused: what was asked for in vain."""

    way: str
    seconds: dict[str, float]
    refused: str = ""


@dataclass(frozen=True)
class Ways:
    """file: None where nothing is kept, for a fold that has no run."""

    file: Path | None = None

    def find(self, device: str, network: str, measure: Callable[[], Way]) -> Way:
        """What was decided, or is now by `measure`; other processes with such a network wait for it meanwhile.

        Not those with other networks: on an H200 17 processes with eight kinds between them waited over a minute.
        """
        if self.file is None:
            return measure()
        if known := self._known(device, network):
            return known
        kind = hashlib.sha256(f"{device} {network}".encode()).hexdigest()[:8]
        lock = self.file.with_name(f".{self.file.stem}-{kind}.lock")
        with waiting_for(lock, "finds out how a network of the same kind trains fastest"):
            if known := self._known(device, network):
                return known
            found = measure()
            with waiting_for(f"{self.file}.lock", "writes down how a network trains fastest"):
                table = self._table()
                table.setdefault(device, {})[network] = asdict(found)
                write_json(self.file, table)
            return found

    def _known(self, device: str, network: str) -> Way | None:
        values = self._table().get(device, {}).get(network)
        return None if values is None else Way(**values)

    def _table(self) -> dict[str, Any]:
        return read_json(self.file) if self.file is not None and self.file.is_file() else {}
