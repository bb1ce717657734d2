"""The stage of features as a plan: which tables and heads a space's draws ask for, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import begun, prepared
from sklearn.linear_model import LinearRegression

from search.features_first import FrozenScores
from search.first_heads import HEADS, ITERATED, MOST, FirstHeads, first_heads, further_tables
from search.retrain import refuse_without_chance
from trainable.config import HeadConfig, LossConfig, TrialConfig
from trainable.errors import InputError

LITE = "tf_efficientnet_lite0"


def drawn(*pairs: tuple[str, int], **model: object) -> list[TrialConfig]:
    return [
        TrialConfig.from_dict({"model": {"backbone": name, **model}, "input": {"size": (side, side)}})
        for name, side in pairs
    ]


def test_cheapest_tables_come_first_and_dearer_ones_are_said() -> None:
    sizes = {LITE: 18.0, "test_resnet": 2.0}
    pairs = [(LITE, 96), (LITE, 32), ("test_resnet", 128), ("test_resnet", 64), (LITE, 64), (LITE, 32)]
    heads = first_heads(drawn(*pairs), sizes, 100)
    assert [table.pair for table in heads.tables] == [
        ("test_resnet", (64, 64)),
        (LITE, (32, 32)),
        ("test_resnet", (128, 128)),
        (LITE, (64, 64)),
    ]
    assert heads.dearer == ((LITE, (96, 96)),) and len(heads.tables) == MOST
    assert heads.tables[1].megabytes == pytest.approx(100 * 1280 * 2 / 1e6)
    assert any(f"left out, since they cost more: {LITE} 96x96" in line for line in heads.lines())
    assert len(heads.configs) == MOST * len(HEADS) and all(c.fitted for c in heads.configs)
    assert {c.head.name for c in first_heads(drawn((LITE, 32)), sizes, ITERATED + 1).configs} == {"lda", "ridge"}
    for metric, power in (("macro_f1", 1.0), ("accuracy", 0.5)):
        losses = {c.head.name: c.loss for c in first_heads(drawn((LITE, 32)), sizes, 100, metric).configs}
        assert losses["lda"].class_weights == "none"
        assert losses["ridge"] == losses["logistic"] == LossConfig(class_weights="power", weight_power=power)


def test_asked_sides_come_right_after_the_cheapest_table() -> None:
    sizes = {LITE: 18.0, "test_resnet": 2.0}
    heads = first_heads(drawn((LITE, 32), ("test_resnet", 64), ("test_resnet", 96)), sizes, 100, sides=(96,))
    assert [table.pair for table in heads.tables] == [
        ("test_resnet", (64, 64)),
        (LITE, (96, 96)),
        ("test_resnet", (96, 96)),
        (LITE, (32, 32)),
    ]
    assert all(config.input.size == table.pair[1] for table in heads.tables for config in table.configs)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_each_worker_makes_a_table_of_its_own_and_heads_on_it_come_next(workers: int) -> None:
    heads = first_heads(drawn((LITE, 32), (LITE, 64), (LITE, 96), (LITE, 128)), {LITE: 18.0}, 100)
    turns = [config.input.size[0] for config in heads.in_turn(workers)]
    assert sorted(turns) == sorted(config.input.size[0] for config in heads.configs)
    assert turns[: min(workers, 4)] == [32, 64, 96, 128][: min(workers, 4)]
    assert heads.in_turn(1) == heads.configs
    if workers == 2:
        assert turns == [32, 64, 32, 32, 96, 64, 64, 128, 96, 96, 128, 128]


def test_random_weights_and_fitted_heads_ask_for_no_table() -> None:
    sizes = {LITE: 18.0}
    assert first_heads(drawn((LITE, 32), pretrained=False), sizes, 100).lines() == []
    own = first_heads(drawn((LITE, 32)), sizes, 100).configs
    assert first_heads(own, sizes, 100).configs == [], "such a search is its own stage"


def test_tables_beyond_the_stage_are_in_the_plan() -> None:
    trained = drawn((LITE, 32), (LITE, 64))
    stage = first_heads(trained[:1], {LITE: 18.0}, 100)
    starting = [replace(config, head=HeadConfig(init="frozen")) for config in trained]
    found = further_tables([*trained, *starting, *stage.configs], stage, 100)
    assert found == {(LITE, (64, 64)): pytest.approx(100 * 1280 * 2 / 1e6)}
    assert set(further_tables(stage.configs, FirstHeads(), 100)) == {(LITE, (32, 32))}


def test_other_seeds_of_a_fitted_head_are_refused_in_a_sentence(generic: Path, tmp_path: Path) -> None:
    run = prepared(generic, tmp_path / "run")
    head = begun(run, first_heads(drawn((LITE, 32)), {LITE: 18.0}, 100).configs[0])
    with pytest.raises(InputError, match=r"received [0-9a-f]{12}, a head \(lda\) .* the same trial; allowed"):
        refuse_without_chance(head, run)
    refuse_without_chance(begun(run, drawn((LITE, 32))[0]), run)


def test_size_without_a_table_is_estimated_from_those_of_its_network_and_the_others() -> None:
    """Least squares with an effect a network and one of the pixels, as scikit-learn fits it."""
    best = {(LITE, (32, 32)): (0.4, "lda"), (LITE, (64, 64)): (0.5, "lda"), ("test_resnet", (128, 128)): (0.7, "lda")}
    scores = FrozenScores(best=best)
    design = [[pair[0] == LITE, pair[0] != LITE, np.log2(pair[1][0] ** 2)] for pair in best]
    fitted = LinearRegression(fit_intercept=False).fit(design, [score for score, _ in best.values()])
    (asked,) = drawn(("test_resnet", 32))
    assert scores.score(asked) == pytest.approx(fitted.predict([[0, 1, 10]])[0]) == pytest.approx(0.5)
    assert scores.score(drawn((LITE, 64))[0]) == 0.5
    assert scores.score(drawn(("test_vit", 32))[0]) == -np.inf
