"""Letters in pictures made of pixels: from a font that has them, else spelt out, so that no name is a row of boxes.

The fonts that come with matplotlib and Pillow have no Hangul, for one. Pages are another matter: there the reader's
browser has the fonts.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

OWN = "DejaVu Sans"  # comes with matplotlib
PLAIN = 256  # code points that every font has
NO_FONT = "Last Resort"  # has a box for every letter
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Lettering(NamedTuple):
    """texts: as they can be drawn. file: the font to draw them with, None where Pillow's and matplotlib's own do."""

    texts: list[str]
    file: Path | None

    def font(self, size: int) -> Font:
        """Pillow's, size in pixels."""
        return ImageFont.load_default(size=size) if self.file is None else ImageFont.truetype(str(self.file), size)

    @property
    def families(self) -> list[str]:
        """matplotlib's, by name."""
        return [OWN, *([] if self.file is None else [FT2Font(str(self.file)).family_name])]


def lettered(texts: Sequence[str]) -> Lettering:
    """These texts with a font that has all their letters; without one, letters that are missing are spelt out.

    A letter is spelt by the last word of its Unicode name, which of a syllable is its sound: 고양이 is go-yang-i.
    """
    needed = frozenset(c for text in texts for c in text if ord(c) >= PLAIN)
    if not needed:
        return Lettering(list(texts), None)
    if (file := _font_with(needed)) is not None:
        return Lettering(list(texts), file)
    return Lettering([_spelt(text, needed - _letters(_own())) for text in texts], _own())


@cache
def _font_with(needed: frozenset[str]) -> Path | None:
    known = sorted(
        (e.weight != 400, e.style != "normal", e.fname)
        for e in fontManager.ttflist
        if not e.name.startswith(NO_FONT) and isinstance(e.fname, str)
    )
    files: Iterable[Path] = (_own(), *(Path(file) for _, _, file in known))
    return next((file for file in files if file.is_file() and needed <= _letters(file)), None)


@cache
def _letters(file: Path) -> frozenset[str]:
    try:
        return frozenset(map(chr, FT2Font(str(file)).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


def _own() -> Path:
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def _spelt(text: str, missing: frozenset[str]) -> str:
    made, before = "", False
    for letter in text:
        gone = letter in missing
        sound = (
            unicodedata.name(letter, f"U+{ord(letter):X}").split()[-1].rpartition("-")[2].lower() if gone else letter
        )
        made += f"-{sound}" if gone and before else sound
        before = gone
    return made
