"""What the complete trials so far would score together: greedy selection, again whenever one becomes complete.

And what a trial adds to them, for `SEARCH.objective = "ensemble"`, after Lévesque, Gagné, Sabourin 2016
(arXiv:1605.06394): a search for an ensemble wants the trial that helps it, not one more of the best kind.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ensembles.greedy import greedy_selection
from trainable.files import read_npz
from trainable.metrics import macro_f1
from trainable.run.paths import RunPaths

MOST = 20  # trials, the best ones
ROWS = 20_000  # images, evenly spread: this is a glance, ensembles.build takes all
PICKS = 20


@dataclass
class Votes:
    """`score` is in-sample macro-F1 of the vote; `members` how many trials have a weight in it; `mean` [N, C] its
    probabilities on the rows `index` [N].
    """

    paths: RunPaths
    read: Callable[[Path], dict[str, np.ndarray]] = read_npz
    score: float = math.nan
    members: int = 0
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    index: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    mean: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    held: list[tuple[float, str, np.ndarray]] = field(default_factory=list)  # a heap, the worst first

    def add(self, trial_id: str, score: float) -> None:
        """A trial that has become complete."""
        table = self.read(self.paths.trial(trial_id).oof)
        step = -(-len(table["label"]) // ROWS)
        self.labels, self.index = table["label"][::step], table["index"][::step]
        heapq.heappush(self.held, (score, trial_id, table["probabilities"][::step]))
        if len(self.held) > MOST:
            heapq.heappop(self.held)
        probabilities = np.stack([p for _, _, p in sorted(self.held)])
        chosen = greedy_selection(probabilities, self.labels, PICKS)
        self.score, self.members = chosen.score, int((chosen.counts > 0).sum())
        self.mean = np.tensordot(chosen.weights, probabilities, axes=1)

    def with_trial(self, trial_id: str, *, complete: bool) -> float:
        """Macro-F1 of the vote of two, the complete trials' and this trial's, on the rows that it has predicted.

        Those are all rows when it is `complete`, else fold 0's. While no trial is complete it votes alone.
        """
        paths = self.paths.trial(trial_id)
        table = self.read(paths.oof if complete else paths.fold(0).valid)
        label, total = table["label"], table["probabilities"].astype(float)
        if self.members:
            place = np.minimum(np.searchsorted(self.index, table["index"]), len(self.index) - 1)
            known = self.index[place] == table["index"]
            label, total = label[known], total[known] + self.mean[place[known]]
        return macro_f1(label, total.argmax(1), total.shape[1])
