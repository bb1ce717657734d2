"""Which slots of a ring are free."""

from collections import deque


class Slots:
    """A batch takes consecutive slots, so that it is one array; they go round, as they come back in that order."""

    def __init__(self, count: int) -> None:
        self.free = [True] * count
        self.next = 0
        # Views die in whatever thread holds them last: what they give back is taken in by the one that asks.
        self.returned: deque[range] = deque()

    def take(self, count: int) -> range | None:
        """`count` slots one after another; None where there are none now."""
        while self.returned:
            for slot in self.returned.popleft():
                self.free[slot] = True
        last = len(self.free) - count
        for first in [*range(self.next, last + 1), *range(min(self.next, last + 1))]:
            if all(self.free[first : first + count]):
                taken = range(first, first + count)
                for slot in taken:
                    self.free[slot] = False
                self.next = taken.stop
                return taken
        return None

    def give_back(self, taken: range) -> None:
        self.returned.append(taken)
