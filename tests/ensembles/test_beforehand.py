"""What a comparison of methods may cost is a bound that the comparison keeps."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensembles.beforehand import calls_of
from ensembles.methods import applicable
from ensembles.nested import evaluate_methods
from trainable.metrics import Metric, get


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_no_more_calls_than_were_announced(folds: int) -> None:
    random = np.random.default_rng(0)
    table = random.dirichlet(np.ones(4), (6, 60)).astype(np.float32)
    labels, groups, calls = random.integers(0, 4, 60), np.arange(60) // 2, [0]

    def own(true: NDArray[Any], probabilities: NDArray[Any]) -> float:
        calls[0] += 1
        return float(np.log(probabilities[np.arange(len(true)), true] + 0.01).mean())

    metric: Metric = get(own, "0123")
    evaluate_methods(table, labels, groups % folds, groups, metric, attributes=(2, 2), size=7)
    announced = calls_of(applicable(4, (2, 2), metric), 6, 7, folds, 2)
    assert announced / 4 < calls[0] <= announced
