"""How many trials share a GPU, found out from what epochs used of its memory and its time (`--gpus-per-trial auto`).

A kind of trial (network and size) begins with a GPU of its own. What an epoch took there of the memory bounds how many
fit; then twice as many are tried, as long as together they get on faster by GAIN: where the GPU was busy already, or
works them off in slices of time, they do not.
"""

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from statistics import median

MOST = 8  # trials a GPU
ROOM = 0.9  # of its memory
GAIN = 1.1


@dataclass
class Packing:
    """memory: the most that an epoch of a kind used, 0 to 1 of a GPU. seconds: of its epochs, by count."""

    memory: dict[Hashable, float] = field(default_factory=dict)
    seconds: defaultdict[Hashable, dict[int, list[float]]] = field(default_factory=lambda: defaultdict(dict))

    def heard(self, kind: Hashable, together: int, seconds: float, memory: float) -> None:
        """An epoch of a trial of this kind, on a GPU that so many trials shared."""
        self.memory[kind] = max(memory, self.memory.get(kind, 0.0))
        step = 1 << (max(1, together).bit_length() - 1)  # three together tell of two
        self.seconds[kind].setdefault(step, []).append(seconds)

    def together(self, kind: Hashable) -> int:
        """Trials of this kind that a GPU takes now; of a kind that nothing is known of as many as of the neediest."""
        if kind not in self.memory:
            return min(map(self.together, self.memory), default=1)
        fits, count = min(MOST, int(ROOM / max(self.memory[kind], 1e-6))), 1
        while count in self.seconds[kind] and 2 * count <= fits and self._pays(kind, count):
            count *= 2
        return count

    @property
    def widest(self) -> int:
        """The most trials of any kind that a GPU takes now."""
        return max(map(self.together, self.memory), default=1)

    def _pays(self, kind: Hashable, count: int) -> bool:
        """Whether twice as many get on faster; True before it was tried."""
        known = self.seconds[kind]
        return 2 * count not in known or median(known[count]) * 2 > GAIN * median(known[2 * count])
