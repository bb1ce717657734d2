"""Feature tables beside that of the network itself."""

import re
from dataclasses import dataclass
from typing import Any

from trainable.config.allowed import check, only, where
from trainable.config.model import known_backbones
from trainable.errors import unknown

FORM = re.compile(r"(\w[\w.]*) ([1-9]\d{1,3})x([1-9]\d{1,3})")


def are_tables(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(v, str) and FORM.fullmatch(v) for v in value)


def is_id(value: Any) -> bool:
    return isinstance(value, str) and (value == "" or re.fullmatch("[0-9a-f]{12}", value) is not None)


@dataclass(frozen=True)
class FeaturesConfig:
    """`beside`: further frozen networks whose features stand beside those of `model` at `input.size`, as one row.

    Each is "BACKBONE HEIGHTxWIDTH", in pixels: ("tf_efficientnet_lite2 240x240",). They see the same part of a photo.

    `of`: the id of a complete trial of the run; the features are then those of its trained networks, fold k's head
    standing on fold k's network. "" for networks as they were before any training.
    """

    beside: tuple[str, ...] = where(
        are_tables, 'a list of "BACKBONE HEIGHTxWIDTH", such as "tf_efficientnet_lite2 240x240"', default=()
    )

    of: str = only(lambda c: c.of != "", where(is_id, "the id of a trial, 12 hex digits, or nothing", default=""))

    def __post_init__(self) -> None:
        check(self)
        for backbone, _ in self.tables:
            if backbone not in known_backbones():
                raise unknown("backbone", backbone, known_backbones())

    @property
    def tables(self) -> tuple[tuple[str, tuple[int, int]], ...]:
        """(backbone, (height, width)) of each."""
        found = [FORM.fullmatch(text) for text in self.beside]
        return tuple((m[1], (int(m[2]), int(m[3]))) for m in found if m)
