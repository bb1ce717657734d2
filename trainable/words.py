"""Numbers as people say them: times, counts, short lists."""

import math
from collections.abc import Iterable


def duration(seconds: float) -> str:
    """`45 s`, `8 min`, `2 h 5 min`, `3 days 4 h`: two units at most, the smaller one left out where it is nothing."""
    if not math.isfinite(seconds):
        return "unknown"
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(hours + minutes / 60), 24)
    return f"{days} days {hours} h" if hours else f"{days} days"


def count(number: int, noun: str) -> str:
    """`1 epoch`, `7 epochs`; nouns whose plural has an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def few(names: Iterable[object], most: int = 3) -> str:
    """The first of a list, and how many more there are: `a, b, c and 4 more`."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def extra(name: str) -> str:
    """How an optional part is installed. By path: an index may hold another project under our name."""
    return f"pip install '.[{name}]' in foldvote's folder"
