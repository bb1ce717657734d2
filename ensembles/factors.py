"""Test predictions of members, those of single attributes multiplied."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ensembles.members import JOINT, Member, multiply
from ensembles.predict_members import predict_test
from trainable.data.labels import ATTRIBUTES
from trainable.data.manifest import TestSet


def predict_members(members: Sequence[Member], test: TestSet, classes: int, parts: Path) -> np.ndarray:
    """Probabilities float32 [members, K, M, C]; a trial that is a factor of several members predicts once."""
    trials = list(dict.fromkeys(factor for member in members for factor in member.factors))
    found: dict[tuple[Path, str], np.ndarray] = {}
    for target in dict.fromkeys(trial.target for trial in trials):
        alike = [trial for trial in trials if trial.target == target]
        predicted = predict_test(alike, test, classes if target == JOINT else len(ATTRIBUTES[target]), parts)
        found |= {(m.run.root, m.trial.root.name): p for m, p in zip(alike, predicted, strict=True)}
    return np.stack([multiply([found[f.run.root, f.trial.root.name] for f in member.factors]) for member in members])
