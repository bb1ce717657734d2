"""The prior for networks that start pretrained: what it says, of what, and how draws follow it."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import optuna
import pytest
import timm
from directing import open_director, rate, work
from helpers import SPACE
from optuna.trial import Trial

from search.director import Director
from search.features_first import FrozenScores
from search.networks import FILE, known_networks
from search.prior import design, published_prior, settings_of
from search.proposals import AT_RANDOM
from search.sampler.by_prior import Ranking, best_first
from trainable.config import TrialConfig, known_backbones

CONVNEXT = "convnext_small.fb_in22k_ft_in1k_384"
FINE_TUNED = SPACE.replace(
    '"model": {"backbone": "test_resnet", "pretrained": False}',
    '"model": {"backbone": trial.suggest_categorical("backbone", ["resnet18", "convnext_small", "test_resnet"]),'
    ' "pretrained": trial.suggest_categorical("pretrained", [True, False])}',
)


def config(**values: Any) -> TrialConfig:
    return TrialConfig.from_dict({"model": {"backbone": CONVNEXT}, **values})


def test_every_weight_is_of_a_number_that_a_configuration_has() -> None:
    prior = published_prior()
    numbers = settings_of(config()) | known_networks()[CONVNEXT].properties()
    assert {name for term in prior.weights for name in term.split("*")} <= set(numbers)
    assert set(prior.usual) == set(known_networks()[CONVNEXT].properties())
    assert all(np.isfinite(weight) for weight in prior.weights.values())


def test_rank_is_the_sum_of_terms() -> None:
    prior, tried = published_prior(), config(optim={"lr": 3e-4}, batch_size=8)
    numbers = settings_of(tried) | known_networks()[CONVNEXT].properties()
    total = 0.0
    for term, weight in prior.weights.items():
        product = weight
        for name in term.split("*"):
            product *= numbers[name]
        total += product
    assert prior.rank(tried) == pytest.approx(total)
    assert design(numbers, ["lr*lr", "freeze"]).tolist() == [[pytest.approx(numbers["lr"] ** 2), numbers["freeze"]]]


def test_it_says_what_published_fine_tuning_says() -> None:
    rank = published_prior().rank
    good = {"optim": {"lr": 1e-4}, "batch_size": 16}
    assert rank(config(**good)) > rank(config(optim={"lr": 0.1}, batch_size=16))
    assert rank(config(**good)) > rank(config(**good, model={"backbone": "mobilevit_xxs.cvnets_in1k"}))
    assert rank(config(**good)) > rank(config(**good, model={"backbone": CONVNEXT, "drop_rate": 0.5}))


def test_it_knows_nothing_of_random_weights_and_fitted_heads() -> None:
    knows = published_prior().knows
    assert knows(config()) == "network"
    assert knows(config(model={"backbone": "test_resnet"})) == "settings"
    assert knows(config(model={"backbone": CONVNEXT, "pretrained": False})) == ""
    frozen = {"model": {"backbone": CONVNEXT, "freeze": "body"}, "augment": {"policy": "none"}}
    assert knows(TrialConfig.from_dict({**frozen, "head": {"name": "lda"}})) == ""
    assert knows(TrialConfig.from_dict(frozen)) == "network"


def test_a_bare_name_stands_for_the_weights_that_timm_takes() -> None:
    networks = known_networks()
    assert set(networks) <= set(known_backbones())
    for name in ("resnet18", "convnext_small", "tf_efficientnet_lite0"):
        assert networks[name] == networks[f"{name}.{timm.models.get_pretrained_cfg(name).tag}"]
    assert FILE.read_text(encoding="utf-8").count("\n") > 150


@pytest.mark.parametrize("name", ["resnet18.a1_in1k", "vit_tiny_patch16_224.augreg_in21k_ft_in1k", "edgenext_xx_small"])
def test_facts_are_those_of_the_network(name: str) -> None:
    facts, network = known_networks()[name], timm.create_model(name)
    assert facts.parameters == pytest.approx(sum(p.numel() for p in network.parameters()) / 1e6, abs=0.006)
    assert facts.batch_norm == name.startswith("resnet") and facts.attention != name.startswith("resnet")
    assert facts.more_data == name.endswith("in21k_ft_in1k")


def asked(values: Iterator[dict[str, Any]]) -> tuple[Iterator[Trial], Callable[[Trial], TrialConfig]]:
    """Draws, and what the n-th one resolves to."""
    study = optuna.create_study()
    known: dict[int, dict[str, Any]] = {}

    def draw() -> Iterator[Trial]:
        for value in values:
            trial = study.ask()
            known[trial.number] = value
            yield trial

    return draw(), lambda trial: config(**known[trial.number])


def test_draws_of_the_first_ones_kind_come_best_first_and_the_others_wait() -> None:
    values = [{"optim": {"lr": lr}} for lr in (1e-2, 1e-4, 1.0, 1e-5)]
    values.insert(1, {"model": {"backbone": CONVNEXT, "pretrained": False}})
    values.insert(1, {"optim": {"lr": 99.0}})  # no configuration
    draws, resolve = asked(iter(values))
    prior = published_prior()
    found = [resolve(t) for t in best_first(itertools.islice(draws, 1), draws, resolve, Ranking(prior))]
    ranks = [prior.rank(c) for c in found]
    assert len(found) == 4 and ranks == sorted(ranks, reverse=True)
    assert all(c.model.pretrained for c in found)


@pytest.mark.parametrize("first", [{"optim": {"lr": 99.0}}, {"model": {"backbone": CONVNEXT, "pretrained": False}}])
def test_where_it_knows_nothing_all_stays_as_drawn(first: dict[str, Any]) -> None:
    draws, resolve = asked(itertools.chain([first], itertools.repeat({})))
    found = best_first(draws, iter(()), resolve, Ranking(published_prior()))
    assert [trial.number for trial in itertools.islice(found, 5)] == [0, 1, 2, 3, 4]


def begun(director: Director) -> list[TrialConfig]:
    work(director, rate)
    return [director.run.trial(name).config for name in director.ledger.named()]


def test_first_suggestions_rank_above_random_ones_and_one_in_four_is_random(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert FINE_TUNED != SPACE
    with_prior, without = (
        begun(open_director(tmp_path_factory.mktemp("run"), FINE_TUNED, trials=8, startup=8, seed=1, prior=prior))
        for prior in (True, False)
    )
    rank, knows = published_prior().rank, published_prior().knows
    for number, (ours, drawn) in enumerate(zip(with_prior, without, strict=True)):
        assert knows(ours) == knows(drawn)
        if number % AT_RANDOM == AT_RANDOM - 1 or not knows(drawn):
            assert ours == drawn
        else:
            assert rank(ours) >= rank(drawn)
    assert with_prior != without


def test_frozen_scores_order_the_first_half_of_the_startup(tmp_path_factory: pytest.TempPathFactory) -> None:
    plain = begun(open_director(tmp_path_factory.mktemp("run"), FINE_TUNED, trials=8, startup=8, seed=1))
    frozen = FrozenScores(
        best={("convnext_small", plain[0].input.size): (0.6, "lda"), ("resnet18", plain[0].input.size): (0.4, "lda")}
    )
    led = begun(open_director(tmp_path_factory.mktemp("run"), FINE_TUNED, trials=8, startup=8, seed=1, frozen=frozen))
    knows = published_prior().knows
    ordered = [number for number in (0, 1, 2) if knows(plain[number]) == "network"]
    assert ordered and all(led[number].model.backbone == "convnext_small" for number in ordered)
    assert led[3:] == plain[3:], "one in four is random, the second half the prior's alone"


def test_search_from_random_weights_is_what_it_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    one, other = (begun(open_director(tmp_path_factory.mktemp("run"), prior=prior)) for prior in (True, False))
    assert one == other


def test_search_that_follows_the_prior_is_resumed_as_if_nothing_had_happened(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    whole, cut = (tmp_path_factory.mktemp(part) for part in ("whole", "cut"))
    expected = begun(open_director(whole, FINE_TUNED))
    work(open_director(cut, FINE_TUNED), rate, 7)
    assert begun(open_director(cut, FINE_TUNED)) == expected
