"""The mean of several methods' votes: where it cannot be told which is best, none of them is bet on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ensembles.methods.base import Array, Context, Fitted, Method, Parameters, Scores

BLEND = "blend"


def blend_of(known: Callable[[str], Method], names: Sequence[str]) -> Method:
    """The method `blend`, of the methods called `names`. known: finds a method by its name, also when it is read."""

    def fit(probabilities: Array, labels: Array, context: Context) -> Parameters:
        methods = [known(name) for name in names]
        return joined([Fitted(m, m.fit(probabilities, labels, context)) for m in methods])

    def apply(probabilities: Array, parameters: Parameters) -> Scores:
        parts = parameters["parts"]
        votes = (known(part["method"]).apply(probabilities, part["parameters"]) for part in parts)
        return np.asarray(sum(votes) / len(parts))

    return Method(BLEND, fit, apply)


def joined(parts: Sequence[Fitted]) -> dict[str, Any]:
    """Parameters of the blend of methods that are fitted; a member's weight is the mean of its shares in them."""
    return {
        "weights": np.mean([part.weights for part in parts], axis=0).tolist(),
        "parts": [{"method": part.method.name, "parameters": part.parameters} for part in parts],
    }
