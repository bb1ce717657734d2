"""Names in any script: drawn with a font that has them, or spelt out; never as boxes, and never a warning."""

import numpy as np
import pytest
from matplotlib.font_manager import fontManager

from search.watch.tensorboard.confusion import confusion_picture
from trainable.pictures import letters
from trainable.pictures.letters import OWN, lettered
from trainable.pictures.sheet import sheet

NAMES = ["고양이", "강아지", "Kätzchen"]


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no fonts but those of matplotlib."""
    monkeypatch.setattr(fontManager, "ttflist", [e for e in fontManager.ttflist if "mpl-data" in str(e.fname)])
    letters._font_with.cache_clear()


def test_latin_names_are_left_to_the_usual_font() -> None:
    assert lettered(["Kätzchen", "wrong: 3"]) == (["Kätzchen", "wrong: 3"], None)
    greek, file = lettered(["γάτα"])
    assert greek == ["γάτα"] and file is not None and file.name == "DejaVuSans.ttf"


def test_letters_that_no_font_has_are_spelt(only: None) -> None:
    made = lettered([*NAMES, "猫 A", "ねこ"])
    assert made.texts == ["go-yang-i", "gang-a-ji", "Kätzchen", "732b A", "ne-ko"] and made.families == [OWN, OWN]


def test_pictures_tell_korean_names_apart(only: None) -> None:
    counts = np.eye(3, dtype=np.int64)
    one, other = (confusion_picture(counts, names, "종류") for names in (NAMES, ["강아지", "고양이", "Kätzchen"]))
    assert (one != other).any()
    photos = np.zeros((1, 40, 40, 3), np.uint8)
    assert (sheet(photos, ["고양이"]) != sheet(photos, ["강아지"])).any()
