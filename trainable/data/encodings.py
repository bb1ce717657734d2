"""Which encoding the bytes of somebody's table are in, and what to say where that had to be guessed.

UTF-8 and byte order marks are known. Else names of files that lie beside the table decide, then what is usual in each
writing: in two bytes a letter almost any bytes are some letters, and in the wrong encoding they are rare ones.
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import from_bytes

from trainable.data.writings import JAPANESE, KANA, SYLLABLES, USUAL, WORD, plausible, rare
from trainable.errors import InputError
from trainable.words import few

MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
ONE_BYTE = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "cp1258",
            "mac_roman", "cp850")  # fmt: skip
LOOKED_AT = 100_000  # bytes of a large table
SHOWN = 3  # other readings that are named
CUTS = re.compile(r'[\s,;|"/\\]+')
SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")  # of UTF-8
HIGH = re.compile(rb"[\x80-\xff]")


def decoded(path: Path) -> tuple[str, str, list[str]]:
    """The text of a file, its encoding, and what to say of that where it is a guess.

    InputError for an encoding that cannot be told, and for a file of which some lines are in another one.
    """
    data = path.read_bytes()
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding), encoding, []
    first = data[:1000]
    if 3 * first.count(0) > len(first):  # without a mark: letters of ASCII have a zero byte behind them, or before
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        return data.decode(encoding, "replace"), encoding, []
    try:
        return data.decode("iso2022_jp" if b"\x1b$" in data else "utf-8"), "utf-8", []
    except UnicodeDecodeError:
        head = data[: data.rfind(b"\n", 0, LOOKED_AT) + 1] if len(data) > LOOKED_AT else data
        readings = {e: head.decode(e, "replace") for e in (*USUAL, *ONE_BYTE) if _decodes(data, e)}
    encoding = _by_files(path.parent, readings) or _by_letters(readings)
    if encoding not in USUAL:
        _refuse_mixed(data, path)
        encoding = encoding or _by_language(head, readings, path)
    others = {e: text for e, text in readings.items() if plausible(e, text) or (e == "cp949" and SYLLABLES.match(text))}
    return data.decode(encoding), encoding, [_said(encoding, readings[encoding], others)]


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _by_files(folder: Path, readings: dict[str, str]) -> str:
    """The encoding in which most names of files below a folder are in the text, "" where none is."""
    names = {unicodedata.normalize("NFC", name) for name in _names(folder)}
    if not names:
        return ""
    found = {e: len(names & {unicodedata.normalize("NFC", w) for w in _words(t)}) for e, t in readings.items()}
    best = max(found, key=lambda e: found[e], default="")
    return best if best and found[best] else ""


def _names(folder: Path) -> Iterator[str]:
    """Names that are not of ASCII alone of files and folders, with suffix and without."""
    for _, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if not name.isascii():
                yield name
                yield os.path.splitext(name)[0]  # noqa: PTH122 - names, not paths


def _words(text: str) -> Iterator[str]:
    return (word for word in CUTS.split(text) if not word.isascii())


def _by_letters(readings: dict[str, str]) -> str:
    """The encoding of two bytes a letter whose letters are usual ones, "" where there is none.

    Korean is told first, and by syllables: as Chinese it reads well, and Chinese not so as Korean. Kana tell Japanese.
    """
    fits = {e: t for e, t in readings.items() if e in USUAL and plausible(e, t)}
    kana = [e for e in JAPANESE if e in fits and KANA.search(fits[e])]
    if "cp949" in fits or not fits:
        return "cp949" if fits else ""
    return min(kana or fits, key=lambda e: rare(e, fits[e]))


def _by_language(data: bytes, readings: dict[str, str], path: Path) -> str:
    likely = [e for e, text in readings.items() if plausible(e, text)] or [*readings]
    if not likely:
        raise InputError(f"{path} is no readable table: in no known encoding; allowed: UTF-8")
    found = from_bytes(data, cp_isolation=likely).best()
    return found.encoding if found is not None and found.encoding in likely else likely[0]


def _refuse_mixed(data: bytes, path: Path) -> None:
    """InputError where most letters are in UTF-8 and some are not: lines of two files, say, put into one."""
    rest = SEQUENCE.sub(b"", data)
    if (known := len(SEQUENCE.findall(data))) > len(HIGH.findall(rest)):
        wrong = [n for n, line in enumerate(data.splitlines(), 1) if HIGH.search(SEQUENCE.sub(b"", line))]
        raise InputError(
            f"{path} is in two encodings: received {known:,} letters in UTF-8, others in line {few(map(str, wrong))}; "
            "allowed: one, best UTF-8"
        )


def _said(encoding: str, text: str, readings: dict[str, str]) -> str:
    """The guess with a word in which other readings differ, and these."""
    own = WORD.findall(text)
    others = {e: WORD.findall(t) for e, t in readings.items() if t != text}
    apart = [n for words in others.values() for n, pair in enumerate(zip(own, words, strict=False)) if len({*pair}) > 1]
    at = min(apart, default=0)
    shown = {words[at]: e for e, words in reversed(others.items()) if len(words) > at and words[at] != own[at]}
    named = [f"as {e} it would be {word!r}" for word, e in reversed(shown.items())][:SHOWN]
    more = "; ".join([*named, "where that is wrong, save it as UTF-8"])
    return f"read as {encoding}, such as {(own or [''])[at]!r} ({more})"
