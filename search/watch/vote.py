"""What the complete trials so far would score together, again whenever one becomes complete.

By greedy selection; under a metric that is called for every candidate, which would hold the search up, by the plain
mean of the best.
"""

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from ensembles.greedy import greedy_selection
from ensembles.metric import AnyMetric, as_metric
from trainable.metrics import MACRO_F1
from trainable.run import Trial

MOST = 20  # trials, the best ones
CELLS = 2**29  # probabilities that are held: of many classes, fewer trials
ROWS = 20_000  # images, evenly spread: this is a glance, ensembles.build takes all
PICKS = 20
FEW = 5  # trials of a plain mean


@dataclass
class Vote:
    """measure: what it scores. score: of the vote, in-sample. members: how many trials have a weight in it."""

    measure: AnyMetric = MACRO_F1
    score: float = math.nan
    members: int = 0
    _held: list[tuple[float, str, np.ndarray]] = field(default_factory=list)  # a heap, the worst first

    def add(self, trial: Trial) -> None:
        """A trial that has become complete."""
        table = trial.oof()
        step = -(-len(table.label) // ROWS)
        glance = table.probabilities[::step]
        heapq.heappush(self._held, (trial.result.oof_score, trial.id, glance))
        if len(self._held) > min(MOST, max(FEW, CELLS // glance.size)):
            heapq.heappop(self._held)
        probabilities = np.stack([p for _, _, p in sorted(self._held)])
        measure, labels = as_metric(self.measure, probabilities.shape[2]), table.label[::step]
        if measure.called:
            best = probabilities[-FEW:]
            self.score, self.members = measure.score(labels, best.mean(axis=0, dtype=np.float64)), len(best)
            return
        chosen = greedy_selection(probabilities, labels, PICKS, measure)
        self.score, self.members = chosen.score, int((chosen.counts > 0).sum())
