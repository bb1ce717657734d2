"""What is wrong with data here."""

from pathlib import Path

import pandas as pd

DAMAGED = "images/p02_0.png (PNG, damaged or cut off), images/p07_1.png (no photo)"


def edit(file: Path, /, **columns: object) -> None:
    table = pd.read_csv(file, dtype=str).assign(**columns)
    table.to_csv(file, index=False)
