"""Same person: photos that look alike around the face are taken for one person's, and share what a group shares.

The test images do not say who is who. A person's photos share the room behind them and what they wear: colours along
the border of the photo are the features. Nearest photos are joined first, as long as they are nearer than a limit and
no group passes the largest size that a person has in training.

Whether this pays is asked on the training images, with their groups hidden: the limit is chosen on the other folds'
rows, every fold is scored with the limit it had no part in, and the gain must exceed its standard error.
"""

from ensembles.same_person.gain import Refinement, decide_together, grouping_gain, own_and_shared
from ensembles.same_person.neighbours import Neighbours, surroundings
from ensembles.same_person.refine import refine_by_person

__all__ = [
    "Neighbours",
    "Refinement",
    "decide_together",
    "grouping_gain",
    "own_and_shared",
    "refine_by_person",
    "surroundings",
]
