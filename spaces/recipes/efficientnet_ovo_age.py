"""The model of age of `efficientnet_ovo`, which says the rest (write-up 3).

Run:     python -m search.run spaces/recipes/efficientnet_ovo_age.py --data DATA
Expect:  as efficientnet_ovo
Why:     the same recipe with another target
"""

from dataclasses import replace

from spaces.recipes import efficientnet_ovo
from spaces.recipes.efficientnet_ovo import space

SEARCH = replace(efficientnet_ovo.SEARCH, target="age")

__all__ = ["SEARCH", "space"]
