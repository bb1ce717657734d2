"""Whether a reading of bytes in some encoding looks like what a person has written.

In two bytes a letter almost any bytes are some letters; in the wrong encoding they are rare ones, or of several
writings in one word.
"""

import re
import unicodedata

# {encoding of two bytes a letter: the first bytes of its usual letters}.
USUAL = {
    "cp949": range(0xB0, 0xC9),
    "gb18030": range(0xB0, 0xD8),
    "cp932": range(0x88, 0x99),
    "big5": range(0xA4, 0xC7),
    "euc_jp": range(0xB0, 0xD0),
}
JAPANESE = ("cp932", "euc_jp")
RARE = 0.6  # share of unusual letters from which an encoding of two bytes is none
# The syllables that 94 of 100 in Korean text are, here of the messages of programs.
KOREAN = frozenset(
    "다이니지을수에습는로를하시없가자스일의정기어파용서음합리사할트인한은오션위터아않문있그대드제보상부만으프"
    "름값치표크모옵작함실해입패력바고버데전나형소명식중여된경도면키행설되업요디라열들못세메성구목블비레개적출"
    "호과록동변잘령류미거번테료화야원조마내단장환필브태타우렉했현체주너추재유복코연무읽간공러와안분본항었포더"
    "려반계커결색르선베십줄최당때래페알또임속진른방능확절접저퍼랜텍카럼참택백검두았처끝템칼법국새준종건각증덱"
    "찾초쓰신발게든생활밋매예티영램링쪽클젯같산됨배져플역널운숫림집렬축권글삭쓸토것린근딩릴룹허닙관올범규째젝"
    "통병창청뒤향따길볼맞턴순꾸헤롤압외뉴까슬약별언받완암말런격불막됩석존남루후케심될많직노양돌피점빠히눈닭곰"
    "뱀"
)
WORD = re.compile(r"[!-+\--:<-{}~]*[^\x00-\x7f][^\s,;|]*")  # with a letter that is not of ASCII
SYLLABLES = re.compile("[\x00-\x7f\uac00-\ud7a3]*$")  # Korean, be they rare ones
KANA = re.compile("[\u3041-\u30ff]")
INSIDE = re.compile(r"[A-Za-z][^\x00-\x7f]+[a-z]|(?<![^\x00-\x7f])[^\x00-\x7f][a-z]{2}")  # a Latin word


def plausible(encoding: str, text: str) -> bool:
    """Whether a reading may be what its writer meant."""
    if encoding in USUAL:
        return rare(encoding, text) < RARE and not INSIDE.search(text)
    return all(map(_one_writing, WORD.findall(text)))


def _one_writing(word: str) -> bool:
    """Whether a word has letters of one writing, and Latin ones are not all unusual: accents stand among others."""
    letters = [c for c in word if not c.isascii()]
    latin = {unicodedata.name(c, "").startswith("LATIN") for c in letters}
    beside = any(c.isascii() and c.isalpha() for c in word.rpartition(".")[0] or word)
    fits = beside or len(letters) < 2 if latin == {True} else not beside
    return len(latin) == 1 and fits and all(c.isalpha() or "THAI" in unicodedata.name(c, "") for c in letters)


def rare(encoding: str, text: str) -> float:
    """The share of its letters that are unusual in an encoding of two bytes; marks between words do not count."""
    letters = {letter for letter in text if not letter.isascii() and unicodedata.category(letter)[0] not in "PZ"}
    return sum(not _is_usual(letter, encoding) for letter in letters) / max(1, len(letters))


def _is_usual(letter: str, encoding: str) -> bool:
    kind = unicodedata.name(letter, "")
    if encoding == "cp949":
        return letter in KOREAN
    if KANA.match(letter):
        return encoding in JAPANESE
    raw = letter.encode(encoding)
    return "CJK UNIFIED" in kind and raw[0] in USUAL[encoding] and (encoding != "gb18030" or raw[1] >= 0xA1)
