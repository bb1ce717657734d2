"""The data sets of the bank of ensemble problems, and which of them are kept for judging.

Written before any result of the second part was looked at: settings are chosen on the part CHOOSING alone. No photo and
no person of JUDGING occurs there: digits are parted by image, clothing by sender, drawn people by seed. Data sets of
one `source` share photos: they are one cluster, and standard errors are over clusters.
"""

from dataclasses import dataclass

CHOOSING, JUDGING = "choosing", "judging"
PARTS = {
    CHOOSING: ("digits A", "clothing A", "sample 1", "sample 2", "sample 3"),
    JUDGING: ("digits B", "digits C", "clothing B", "clothing C", "sample 11", "sample 12", "sample 13", "sample 14"),
}
# What decision 035 was written with had seen results of four judging sources; of FRESH none had been recorded when this
# line was committed. Rules and methods that were changed since then are judged by these alone.
FRESH = ("sample 11", "sample 12", "sample 13", "sample 14")
DIGITS = {"digits A": (0, 1200), "digits B": (1200, 1500), "digits C": (1500, 1797)}  # images, in the order of the set


@dataclass(frozen=True)
class DataSet:
    """A table of the bank.

    kind: digits, clothing or sample. source: whose photos. variant: what sets it apart from others of its kind. people:
    share of the training groups that are there. side: pixels that networks see. wrong: share of training groups (of
    digits: images) whose label is wrong. of: the table that it is read from, where it is the sum of classes of another.
    """

    kind: str
    source: str
    variant: str
    people: float = 1.0
    side: int = 40
    wrong: float = 0.0
    of: str = ""

    @property
    def name(self) -> str:
        return f"{self.source} {self.variant}".replace(" ", "_")

    @property
    def part(self) -> str:
        return next(part for part, sources in PARTS.items() if self.source in sources)

    @property
    def seed(self) -> int:
        return sum(map(ord, self.source))


def _digits(source: str, *variants: str) -> list[DataSet]:
    return [DataSet("digits", source, v, side=16, wrong=0.15 if v == "wrong" else 0.0) for v in variants]


def _clothing(source: str, *variants: str) -> list[DataSet]:
    """All kinds of clothes, the ten largest, or four kinds of garment."""
    return [DataSet("clothing", source, variant) for variant in variants]


def _sample(source: str, variant: str, *attributes: str) -> list[DataSet]:
    """Drawn people: all classes, and the same networks' words on single attributes."""
    how = {"plain": {}, "small": {"side": 24}, "few": {"people": 0.5}, "wrong": {"wrong": 0.08}}[variant]
    whole = DataSet("sample", source, variant, **how)
    return [whole, *(DataSet("sample", source, f"{variant} {a}", **how, of=whole.name) for a in attributes)]


DATA_SETS = [
    *_digits("digits B", "ten", "two"),
    *_sample("sample 1", "plain", "age"),
    *_clothing("clothing A", "17"),
    *_clothing("clothing B", "17"),
    *_digits("digits C", "five"),
    *_clothing("clothing C", "17"),
    *_sample("sample 11", "plain", "mask"),
    *_clothing("clothing A", "4"),
    *_sample("sample 12", "small", "age"),
    *_clothing("clothing B", "4"),
    *_clothing("clothing C", "4"),
    *_digits("digits B", "wrong"),
    *_digits("digits C", "imbalanced"),
    *_digits("digits A", "ten", "five", "two", "imbalanced", "wrong"),
    *_sample("sample 2", "small", "gender"),
    *_sample("sample 13", "wrong", "gender"),
    *_sample("sample 14", "few", "age"),
    *_sample("sample 3", "few", "mask"),
    *(data for source in ("clothing A", "clothing B", "clothing C") for data in _clothing(source, "10")),
]
