"""The model of age of `efficientnet_ovo`, which says the rest (write-up 3).

Run:     python -m search.run spaces/recipes/efficientnet_ovo_age.py --data DATA
Expect:  as efficientnet_ovo
Why:     the same recipe with another target
"""

import optuna

from search.space import DataFacts
from spaces.recipes.efficientnet_ovo import SEARCH, recipe

__all__ = ["SEARCH", "space"]


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    return recipe(trial, "age")
