"""Photos that are nearly the same, and like no other: against every pair by itself."""

from __future__ import annotations

import numpy as np
import pytest

from trainable.features import resemblance as of
from trainable.features.resemblance import NEAR, NEIGHBOURS, resemblance

ROWS, WIDTH = 60, 12


def test_pairs_and_likeness_are_those_of_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of, "BLOCK", 7)
    random = np.random.default_rng(0)
    values = random.uniform(0, 1, (ROWS, WIDTH))
    values[50:] = values[:10] + 0.02 * random.normal(size=(10, WIDTH))
    owner, known = random.integers(0, 20, ROWS), np.arange(ROWS) < 55
    found = resemblance(values.astype(np.float16), owner, known)
    values = values.astype(np.float16).astype(np.float64)
    near, likeness = {}, np.zeros(ROWS)
    for i in range(ROWS):
        one = values[i] - values.mean(0)
        for j in range(i + 1, ROWS):
            other = values[j] - values.mean(0)
            cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
            if cosine >= NEAR:
                near[i, j] = cosine
        others = [j for j in range(ROWS) if known[j] and owner[j] != owner[i]]
        plain = [values[i] @ values[j] / np.linalg.norm(values[i]) / np.linalg.norm(values[j]) for j in others]
        likeness[i] = np.mean(sorted(plain)[-NEIGHBOURS:])
    assert {(i, j) for i, j, _ in found.pairs} == set(near) >= {(i, i + 50) for i in range(10)}
    assert all(cosine == pytest.approx(near[i, j], abs=1e-5) for i, j, cosine in found.pairs)
    assert [p[2] for p in found.pairs] == sorted((p[2] for p in found.pairs), reverse=True)
    assert found.likeness == pytest.approx(likeness, abs=1e-5)


def test_photos_of_one_owner_are_like_nobody_known() -> None:
    found = resemblance(np.eye(3, 4), np.zeros(3, np.int64), np.ones(3, bool))
    assert found.pairs == [] and np.isnan(found.likeness).all()
