"""Two-stage training."""

from dataclasses import dataclass

from trainable.config.allowed import between, check, column_value, only, where


@dataclass(frozen=True)
class StageConfig:
    """rows: COLUMN=VALUE; the first `share` of the epochs trains on the rows where the column has that value.

    Where the column is one that classes are made of, the first stage tells the products of the others.
    """

    rows: str = where(column_value, "COLUMN=VALUE, or nothing", default="")
    share: float = only(lambda c: c.rows, between(0.05, 0.95, default=0.3))

    def __post_init__(self) -> None:
        check(self)
