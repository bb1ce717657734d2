"""Names in the order of their scores, kept so: neither adding one nor finding a rank sorts anew."""

from bisect import bisect_left, insort
from collections.abc import Iterator

Key = tuple[float, int, str]


class Ranking:
    """The best first, ties to the one that was added first. -inf is a score like any other, NaN is none."""

    def __init__(self) -> None:
        self._sorted: list[Key] = []
        self._keys: dict[str, Key] = {}
        self._added = 0

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def __iter__(self) -> Iterator[str]:
        return (name for _, _, name in self._sorted)

    def __reversed__(self) -> Iterator[str]:
        return (name for _, _, name in reversed(self._sorted))

    def __getitem__(self, rank: int) -> str:
        return self._sorted[rank][2]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranking) and self._sorted == other._sorted

    def add(self, name: str, score: float) -> None:
        """Add a name, or change its score; a name that keeps its score keeps its place."""
        if name in self._keys:
            if self._keys[name][0] == -score:
                return
            self.remove(name)
        self._keys[name] = key = (-score, self._added, name)
        self._added += 1
        insort(self._sorted, key)

    def remove(self, name: str) -> None:
        if name in self._keys:
            del self._sorted[bisect_left(self._sorted, self._keys.pop(name))]

    def rank(self, name: str) -> int:
        """0 for the best."""
        return bisect_left(self._sorted, self._keys[name])
