"""The demo's space, cut down so that ten data sets can be searched in an hour.

Run:     python -m benchmarks.seeds --work DIR
Expect:  about two minutes a data set on two idle cores
Why:     six trials of which four become complete are enough to ask whether voting pays
"""

from dataclasses import replace

from spaces.demo import SEARCH, space

SEARCH = replace(SEARCH, trials=6, folds=4, members=4, epochs=8, startup=6)

__all__ = ["SEARCH", "space"]
