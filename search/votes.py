"""What the complete trials so far would score together: greedy selection, again whenever one becomes complete."""

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from ensembles.greedy import greedy_selection
from trainable.files import read_npz
from trainable.store import RunPaths

MOST = 20  # trials, the best ones
ROWS = 20_000  # images, evenly spread: this is a glance, ensembles.build takes all
PICKS = 20


@dataclass
class Votes:
    """`score` is in-sample macro-F1 of the vote; `members` how many trials have a weight in it."""

    paths: RunPaths
    score: float = math.nan
    members: int = 0
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    held: list[tuple[float, str, np.ndarray]] = field(default_factory=list)  # a heap, the worst first

    def add(self, trial_id: str, score: float) -> None:
        """A trial that has become complete."""
        table = read_npz(self.paths.trial(trial_id).oof)
        step = -(-len(table["label"]) // ROWS)
        self.labels = table["label"][::step]
        heapq.heappush(self.held, (score, trial_id, table["probabilities"][::step]))
        if len(self.held) > MOST:
            heapq.heappop(self.held)
        chosen = greedy_selection(np.stack([p for _, _, p in self.held]), self.labels, PICKS)
        self.score, self.members = chosen.score, int((chosen.counts > 0).sum())
