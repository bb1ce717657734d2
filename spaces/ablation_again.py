"""`spaces/ablation.py` with another seed, so that its differences can be told from noise.

Run:     python -m search.run spaces/ablation_again.py --data DATA
Expect:  as ablation, whose table needs both runs
Why:     other folds, other first weights
"""

from dataclasses import replace

from spaces.ablation import SEARCH as FIRST
from spaces.ablation import space

__all__ = ["SEARCH", "space"]

SEARCH = replace(FIRST, seed=1)
