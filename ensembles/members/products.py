"""Members of all classes made of trials that predict one attribute each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ensembles.members.member import Member
from trainable.data.attributes import Attributes
from trainable.errors import InputError
from trainable.metrics import Metric

LEAST = 1e-6  # what an attribute leaves to each value where the sure ones make no class


def multiply(factors: Sequence[np.ndarray], made_of: Attributes) -> np.ndarray:
    """Probabilities [..., C] of all classes, from one array [..., A] for each attribute, in their order.

    A single array is that of a member that predicts all classes, and is returned as it is. Where products are no
    classes, what is left sums to 1 again; where nothing is left, since the attributes are sure of a product that is
    none, the classes count that differ least from it.
    """
    if len(factors) == 1:
        return factors[0]
    found = _joint(factors, made_of)
    if not made_of.cells:
        return found
    lost = found.sum(-1, keepdims=True) == 0
    if lost.any():
        found = np.where(lost, _joint([np.maximum(factor, LEAST) for factor in factors], made_of), found)
    return np.asarray(found / found.sum(-1, keepdims=True))


def _joint(factors: Sequence[np.ndarray], made_of: Attributes) -> np.ndarray:
    """The products [..., C] that are classes, as they are."""
    product, *others = factors
    lead = product.ndim - 1
    for factor in others:
        between = (1,) * (product.ndim - lead)
        product = product[..., None] * factor.reshape(*factor.shape[:lead], *between, -1)
    return made_of.grid.gathered(product)


def products(
    tables: Mapping[Member, np.ndarray], labels: np.ndarray, metric: Metric, made_of: Attributes
) -> dict[Member, np.ndarray]:
    """Members of all classes, with probabilities [N, C], from trials of single attributes; labels int64[N].

    Each attribute's trials are ranked by their own scores, and those of one rank are multiplied; where an attribute has
    fewer trials its best one fills in. What a product says of an attribute is what that attribute's trial says, so that
    the method `per_attribute` weighs each attribute's trials as if they stood alone. Empty where there are no such
    trials; raises InputError where some attribute has none.
    """
    ranked = {a: sorted((m for m in tables if m.target == a), key=lambda m: -m.oof_score) for a in made_of.names}
    missing = [a for a, found in ranked.items() if not found]
    if len(missing) == len(ranked):
        return {}
    if missing:
        raise InputError(
            f"runs of single attributes: received none of {', '.join(missing)}; allowed: one run at least of each of "
            f"{', '.join(made_of.names)}"
        )
    made = {}
    for rank in range(max(map(len, ranked.values()))):
        first, *others = (found[rank] if rank < len(found) else found[0] for found in ranked.values())
        table = multiply([tables[m] for m in (first, *others)], made_of)
        made[replace(first, oof_score=metric.score(labels, table), times=tuple(others))] = table
    return made
