"""Tables that a spreadsheet of some country saved: read as they were meant, and what is a guess is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from trainable.data.encodings import decoded
from trainable.errors import InputError

WORDS = {
    "gb18030": ["猫", "狗", "苹果"],
    "big5": ["貓", "狗", "蘋果"],
    "cp949": ["고양이", "개", "사과"],
    "cp932": ["ねこ", "犬", "リンゴ"],
    "euc_jp": ["ねこ", "犬", "リンゴ"],
    "cp1251": ["кошка", "собака", "яблоко"],
    "cp1253": ["γάτα", "σκύλος", "μήλο"],
    "cp874": ["แมว", "หมา", "นก"],
    "cp850": ["Kätzchen", "Hündin", "Äpfel"],
    "mac_roman": ["Kätzchen", "Hündin", "Äpfel"],
    "cp1252": ["Kätzchen", "Hündin", "Äpfel"],
    "utf-16-le": ["Kätzchen", "Hündin", "Äpfel"],
    "utf-16-be": ["Kätzchen", "Hündin", "Äpfel"],
    "iso2022_jp": ["ねこ", "犬", "リンゴ"],
}


def written(folder: Path, words: list[str], encoding: str, name: str = "{}.png") -> tuple[Path, str]:
    text = "file,label\n" + "".join(f"{name.format(word)},{word}\n" for word in words)
    (folder / "t.csv").write_bytes(text.encode(encoding))
    return folder / "t.csv", text


@pytest.mark.parametrize("encoding", WORDS)
def test_a_short_table_is_read_as_it_was_meant(tmp_path: Path, encoding: str) -> None:
    """Chinese and Japanese ones were read as Korean, and others as what no spreadsheet writes."""
    path, text = written(tmp_path, WORDS[encoding], encoding)
    found, _, notes = decoded(path)
    assert found == text
    known = encoding.startswith(("utf", "iso2022"))
    assert ["where that is wrong, save it as UTF-8" in note for note in notes] == [True] * (not known)


@pytest.mark.parametrize(
    ("encoding", "word"), [("cp1254", "ağaç"), ("cp1255", "חתול"), ("cp1256", "قطة"), ("euc_jp", "正常")]
)
def test_names_of_files_decide_between_encodings_and_without_them_the_others_are_named(
    tmp_path: Path, encoding: str, word: str
) -> None:
    path, text = written(tmp_path, [word, f"{word}{word}"], encoding)
    found, _, notes = decoded(path)
    assert found != text and f"as {encoding} it would be '{word}.png'" in notes[0]
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / f"{word}.png").touch()
    assert decoded(path)[:2] == (text, encoding)


def test_rare_syllables_that_read_as_chinese_are_named_beside_it(tmp_path: Path) -> None:
    _, encoding, notes = decoded(written(tmp_path, ["폐렴", "결핵"], "cp949")[0])
    assert encoding == "cp949" or "as cp949 it would be '폐렴.png'" in notes[0]
    assert "as cp949 it would be" in decoded(written(tmp_path, ["猫", "狗"], "gb18030")[0])[2][0]


def test_lines_in_another_encoding_than_the_rest_are_refused_by_number(tmp_path: Path) -> None:
    """Two tables put into one: a class would be two, one of them in nonsense letters."""
    path, text = written(tmp_path, ["Kätzchen", "Hündin"] * 4, "utf-8")
    path.write_bytes(text.encode() + "x.png,Hündin\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"in two encodings: received 16 letters in UTF-8, others in line 10; allowed"):
        decoded(path)


def test_of_a_large_table_the_first_lines_tell_and_all_are_read(tmp_path: Path) -> None:
    path, text = written(tmp_path, WORDS["cp949"] * 30_000, "cp949")
    started = time.perf_counter()
    assert decoded(path)[:2] == (text, "cp949")
    assert time.perf_counter() - started < 5  # not word by word, in every encoding


def test_a_letter_late_in_a_large_table_rules_an_encoding_out(tmp_path: Path) -> None:
    path, text = written(tmp_path, [*WORDS["gb18030"] * 9_000, "镕"], "gb18030")  # no letter of EUC-JP or Big5
    assert decoded(path)[:2] == (text, "gb18030")
