"""What the complete trials so far would score together: greedy selection, again whenever one becomes complete."""

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from ensembles.greedy import greedy_selection
from trainable.run import Trial

MOST = 20  # trials, the best ones
ROWS = 20_000  # images, evenly spread: this is a glance, ensembles.build takes all
PICKS = 20


@dataclass
class Vote:
    """score: of the vote, in-sample. members: how many trials have a weight in it."""

    score: float = math.nan
    members: int = 0
    _held: list[tuple[float, str, np.ndarray]] = field(default_factory=list)  # a heap, the worst first

    def add(self, trial: Trial) -> None:
        """A trial that has become complete."""
        table = trial.oof()
        step = -(-len(table.label) // ROWS)
        heapq.heappush(self._held, (trial.result.oof_score, trial.id, table.probabilities[::step]))
        if len(self._held) > MOST:
            heapq.heappop(self._held)
        probabilities = np.stack([p for _, _, p in sorted(self._held)])
        chosen = greedy_selection(probabilities, table.label[::step], PICKS)
        self.score, self.members = chosen.score, int((chosen.counts > 0).sum())
