"""Every shipped space: drawn, valid, runnable in shape; the full one uses all that there is."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from helpers import people, space_file

from search.plan import try_parameters
from search.space import DataFacts
from search.space_file import SpaceFile, load_space, resolve
from spaces.ablation import PEOPLE, TECHNIQUES
from trainable.config import TrialConfig, known_backbones
from trainable.config.smoke import EPOCHS, STORE, smoke
from trainable.data.attributes import PLAIN
from trainable.data.fits import check_data
from trainable.data.layouts.competition import CLASSES, MADE_OF
from trainable.errors import InputError
from trainable.models.build import build_network

FOLDER = Path(__file__).parents[2] / "spaces"
FILES = sorted(p for p in FOLDER.rglob("*.py") if p.name != "__init__.py")
FACES = DataFacts(18_900, 2_700, CLASSES, ("mask", "gender", "age"))
GENERIC = DataFacts(2_000, 500, ("cat", "dog", "owl"), ())
OVO = "efficientnet_ovo"
RECIPES = 7
# Fields that the full space leaves alone, and why.
FIXED = {
    "target": "SEARCH's, the same for all trials of a run",
    "keep": "inflates the score",
    "model.pretrained": "random weights are for tests",
    "precision": "where it runs",
    "compile": "how fast it runs",
    "augment.turn": "faces stand upright",
    "input.detector": "MTCNN needs a library that can only be optional",
    **dict.fromkeys(
        (
            "head.name",
            "head.shrinkage",
            "head.neighbours",
            "head.parts",
            "head.calibrate",
            "features.beside",
            "features.of",
        ),
        "heads on frozen features are those of spaces/frozen.py",
    ),
}


@cache
def space(path: Path) -> SpaceFile:
    return load_space(path)


def drawn(path: Path, data: DataFacts, count: int, seed: int = 0) -> list[tuple[optuna.Trial, TrialConfig]]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    found = []
    for _ in range(count):
        trial = study.ask()
        config = space(path).config(trial, data)
        found.append((trial, config))
    return found


@cache
def full(count: int) -> list[tuple[optuna.Trial, TrialConfig]]:
    return drawn(FOLDER / "full.py", FACES, count)


def leaves(config: Any, prefix: str = ""):
    for f in fields(config):
        value = getattr(config, f.name)
        yield from leaves(value, f"{f.name}.") if is_dataclass(value) else [(f"{prefix}{f.name}", f, value)]


def test_every_recipe_of_the_competition_is_here():
    names = {p.stem for p in FILES if p.parent.name == "recipes"}
    assert len({n.removesuffix("_gender").removesuffix("_age") for n in names}) == RECIPES


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_space_says_how_to_run_it_what_to_expect_and_why(path):
    text = path.read_text()
    head = text.split('"""')[1]
    for word in ("Run:  ", "Expect:  ", "Why:  "):
        assert f"\n{word}" in head, f"{path.name} does not say {word.strip()}"
    assert f"spaces/{path.relative_to(FOLDER)}" in head


@pytest.mark.parametrize("data", [FACES, GENERIC], ids=["faces", "generic"])
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_fifty_draws_are_valid_and_the_data_can_carry_them(path, data):
    refused = False
    manifest = people((25, 45, 60) * 4)
    if not data.attributes:
        manifest = replace(manifest, layout="generic", made_of=PLAIN)
    for _, config in drawn(path, data, 50):
        assert TrialConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
        assert not [c for c in config.cautions() if "ignored" in c]
        try:
            check_data(config, manifest)
        except InputError as error:
            assert "have no column" in str(error)
            refused = True
    assert not refused or OVO in path.stem  # one attribute is what that recipe is about: data without it are refused


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_queued_trials_are_what_the_space_suggests(path):
    for values in space(path).search.first:
        try_parameters(space(path), FACES, values)
        if space(path).path.stem in ("full", "any"):
            config = try_parameters(space(path), GENERIC, values)
            assert not [c for c in config.cautions() if "ignored" in c]


def test_first_trials_of_the_full_space_are_recipes_to_the_last_choice():
    """Where the data are not of people nothing of them is left to chance."""
    full = space(FOLDER / "full.py")
    for values in full.search.first:
        drawn = {try_parameters(replace(full, search=replace(full.search, seed=s)), GENERIC, values) for s in range(5)}
        assert len({replace(config, seed=0) for config in drawn}) == 1


def test_photos_that_are_not_of_people_are_neither_cut_to_faces_nor_freed_of_their_background():
    configs = [config for _, config in drawn(FOLDER / "full.py", GENERIC, 100)]
    assert {(c.input.region, c.input.background) for c in configs} == {("centre", "keep")}
    assert {c.augment.turn for c in configs} == {0.0, 1.0} and not any(c.augment.turn for _, c in full(100))


def test_photos_without_an_upright_position_are_turned_and_those_of_writing_are_not_mirrored(tmp_path):
    text = (FOLDER / "any.py").read_text()
    for name in ("UPRIGHT", "MIRRORED"):
        assert f"{name} = True" in text
        text = text.replace(f"{name} = True", f"{name} = False")
    configs = [config for _, config in drawn(space_file(tmp_path, text), GENERIC, 50)]
    assert all(c.augment.turn == 1 and c.augment.policy == "none" and not c.augment.hflip for c in configs)
    assert {c.tta for c in configs} == {"none", "crops"} and len({c.augment.rotate for c in configs}) == 2
    assert {c.augment.turn for _, c in drawn(FOLDER / "any.py", GENERIC, 20)} == {0.0}


def test_parameters_are_named_with_words():
    names = {name for trial, _ in full(100) for name in trial.params}
    assert all(re.fullmatch("[a-z]+(_[a-z0-9]+)*|f1_[a-z_]+", name) for name in names), names


@pytest.mark.slow
def test_500_configurations_of_the_full_space_differ_and_round_trip():
    for _, config in full(500):
        again = TrialConfig.from_dict(json.loads(json.dumps(config.to_dict())))
        assert again == config and again.trial_id("f") == config.trial_id("f")
    assert len({config.trial_id("f") for _, config in full(500)}) == 500


@pytest.mark.slow
def test_the_full_space_uses_every_value_of_every_choice():
    used = defaultdict(set)
    metadata = {}
    for _, config in full(500):
        for name, f, value in leaves(config):
            used[name].add(value)
            metadata[name] = f.metadata
    for name, values in used.items():
        missing = set(metadata[name].get("allowed", ())) - values
        assert not missing or name in FIXED, f"{name}: never {missing}"
    unused = [n for n, values in used.items() if len(values) == 1 and n not in FIXED]
    assert set(unused) == {"input.store", "epochs", "seed", "patience"}


@pytest.mark.slow
def test_every_value_of_every_categorical_of_the_full_space_is_drawn():
    allowed, seen = defaultdict(set), defaultdict(set)
    for trial, _ in full(500):
        for name, distribution in trial.distributions.items():
            if isinstance(distribution, optuna.distributions.CategoricalDistribution):
                allowed[name] |= set(distribution.choices)
                seen[name].add(trial.params[name])
    assert seen == allowed


def test_settings_are_drawn_only_where_they_count():
    for trial, config in full(100):
        params = trial.params
        assert ("gamma" in params) == (config.loss.name == "focal")
        assert ("face_margin" in params) == (config.input.region == "face")
        assert ("mix_probability" in params) == (config.mix.name != "none")
        assert ("momentum" in params) == ("sgd" in (config.optim.name, config.optim.second))
        assert ("age_weight" in params) == (config.head.name == "attributes")


def test_batches_fit_the_memory_that_the_space_states():
    from spaces.full import BACKBONES, MEMORY

    for _, config in full(100):
        height, width = config.input.size
        used = BACKBONES[config.model.backbone][0] * height * width / 224**2 * config.batch_size
        assert used <= MEMORY or config.batch_size == 8


def test_ablation_changes_one_thing_at_a_time():
    from spaces.ablation import CENTRE, change

    ids = {n: TrialConfig.from_dict(change(CENTRE, t)).trial_id("f") for n, t in {**TECHNIQUES, **PEOPLE}.items()}
    assert len(set(ids.values())) == len(ids) == space(FOLDER / "ablation.py").search.trials
    assert all(len(t) == 1 for n, t in {**TECHNIQUES, **PEOPLE}.items() if n != "centre")
    assert load_space(FOLDER / "ablation_again.py").search.seed != space(FOLDER / "ablation.py").search.seed


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_smoke_keeps_the_structure_and_answers(path):
    """What --smoke makes of a draw is a valid configuration of the same choices, and its network runs."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for values in [{}, {}]:
        study.enqueue_trial(values)
        trial = study.ask()
        small = smoke(space(path).space(trial, FACES))
        search = replace(space(path).search, epochs=EPOCHS, store_size=STORE, grace=1)
        config = resolve(small, search, path)
        whole = space(path).space(optuna.trial.FixedTrial(trial.params), FACES)
        for key in ("rows", "stage", "mix", "loss", "head", "tta", "target"):
            assert small.get(key) == whole.get(key)
        classes = {"mask": 3, "gender": 2, "age": 3}.get(config.target, 18)
        out = build_network(config, classes, made_of=MADE_OF).eval()(torch.zeros(1, 3, *config.input.size))
        assert out.shape == (1, classes)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["free", "square", "own"])
def test_backbones_of_the_full_space_take_their_sizes(size):
    """Built without memory, as the plan does."""
    from search.plan import _try_size
    from spaces.full import BACKBONES, SIZES

    assert set(BACKBONES) <= set(known_backbones())
    for name, (_, takes) in BACKBONES.items():
        own = takes if isinstance(takes, int) else None
        if size != ("own" if own else takes):
            continue
        sizes = [(224, 224), (384, 384)] if takes == "square" else [(own, own)] if own else [*SIZES.values()][::3]
        for pixels in sizes:
            model = {"backbone": name, "pretrained": False, "drop_path": 0.1}
            config = {"model": model, "input": {"size": pixels}}
            with torch.device("meta"):
                network = build_network(TrialConfig.from_dict(config), 18).eval()
                _try_size(network, name, pixels)
