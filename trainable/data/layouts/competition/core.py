"""Label errors of the competition that all published lists agree on: `rows.corrections: core`."""

from dataclasses import dataclass

from trainable.data.layouts.competition.labels import MADE_OF

NEEDS = ("mask", "gender")


@dataclass(frozen=True)
class CoreLine:
    """key: a person's id. before: the value that rows must have for the line to hold, "" for any."""

    key: str
    field: str
    before: str
    value: str


CORE = (
    *(CoreLine(f"{i:06d}", "gender", "female", "male") for i in range(6359, 6365)),
    CoreLine("001498-1", "gender", "male", "female"),
    CoreLine("004432", "gender", "male", "female"),
    *(CoreLine(i, "swap", "", MADE_OF.swaps[0].word) for i in ("000020", "004418", "005227")),
)
