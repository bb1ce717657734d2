"""Members of all classes made of trials that predict one attribute each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ensembles.members.member import Member
from trainable.data.labels import ATTRIBUTES
from trainable.errors import InputError
from trainable.metrics import Metric


def multiply(factors: Sequence[np.ndarray]) -> np.ndarray:
    """Probabilities [..., C] of all classes, from one array [..., A] for each attribute, in their order.

    A single array is that of a member that predicts all classes, and is returned as it is.
    """
    if len(factors) == 1:
        return factors[0]
    mask, gender, age = factors
    product = mask[..., :, None, None] * gender[..., None, :, None] * age[..., None, None, :]
    return product.reshape(*mask.shape[:-1], -1)


def products(tables: Mapping[Member, np.ndarray], labels: np.ndarray, metric: Metric) -> dict[Member, np.ndarray]:
    """Members of all classes, with probabilities [N, C], from trials of single attributes; labels int64[N].

    Each attribute's trials are ranked by their own scores, and those of one rank are multiplied; where an attribute has
    fewer trials its best one fills in. What a product says of an attribute is what that attribute's trial says, so that
    the method `per_attribute` weighs each attribute's trials as if they stood alone. Empty where there are no such
    trials; raises InputError where some attribute has none.
    """
    ranked = {a: sorted((m for m in tables if m.target == a), key=lambda m: -m.oof_score) for a in ATTRIBUTES}
    missing = [a for a, found in ranked.items() if not found]
    if len(missing) == len(ranked):
        return {}
    if missing:
        raise InputError(
            f"runs of single attributes: received none of {', '.join(missing)}; allowed: one run at least of each of "
            f"{', '.join(ATTRIBUTES)}"
        )
    made = {}
    for rank in range(max(map(len, ranked.values()))):
        first, *others = (found[rank] if rank < len(found) else found[0] for found in ranked.values())
        table = multiply([tables[m] for m in (first, *others)])
        made[replace(first, oof_score=metric.score(labels, table), times=tuple(others))] = table
    return made
