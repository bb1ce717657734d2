"""What a trial that stopped or waits early would score with all folds, from those that went further.

From the last step down: the trials that went beyond a step give pairs of (score there, what they are worth), a line
through them says what the trials that ended there are worth. Who goes beyond is chosen by the score itself, which does
not bias a regression on it. The line's slope is drawn towards 1 by as much as PRIOR pairs would, since at first there
are few: then a step's order is kept and only its level is learnt.
"""

from collections.abc import Mapping, Sequence

import numpy as np

PRIOR = 3.0


def estimates(scores: Sequence[Mapping[int, float]], finals: Sequence[float | None]) -> list[float | None]:
    """`finals` with the missing ones filled in; None stays where a trial has no score.

    scores: of each trial by step, finite. finals: the score over all folds of complete trials.
    """
    known = list(finals)
    last = [max(s, default=0) if f is None else 0 for s, f in zip(scores, finals, strict=True)]
    for step in sorted({s for s in last if s}, reverse=True):
        pairs = [(s[step], k) for s, k in zip(scores, known, strict=True) if k is not None and step in s]
        ended = [i for i, s in enumerate(last) if s == step]
        for i, value in zip(ended, _line(np.array(pairs), [scores[i][step] for i in ended]), strict=True):
            known[i] = value
    return known


def _line(pairs: np.ndarray, at: Sequence[float]) -> list[float]:
    if not len(pairs):
        return list(at)
    (x, y), spread = pairs.mean(axis=0), pairs.var(axis=0)[0]
    covariance = ((pairs[:, 0] - x) * (pairs[:, 1] - y)).mean()
    slope = (len(pairs) * covariance + PRIOR * spread) / ((len(pairs) + PRIOR) * spread) if spread > 0 else 1.0
    return [float(y + max(slope, 0.0) * (score - x)) for score in at]
