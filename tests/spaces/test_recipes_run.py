"""Every recipe runs to a submission by the commands that its own head gives, made small by `--smoke`."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from inline import no_pictures

from ensembles.build import main as build
from search.run import main as search
from trainable.config.smoke import EPOCHS
from trainable.run import Run

RECIPES = sorted((Path(__file__).parents[2] / "spaces" / "recipes").glob("[a-z]*.py"))
SURE = "0.07"  # of a pseudo label: networks this small never are to 0.9
VOTES = {"swin_f1", "efficientnet_b4_cutmix"}  # a vote of eight, and five variants: these run all their trials
FEW = ["--trials", "2"]


@dataclass(frozen=True)
class Recipe:
    """A file whose head leads to a submission; `files` are the space files that its commands search."""

    path: Path

    @property
    def commands(self) -> list[list[str]]:
        head = ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8"))) or ""
        return [shlex.split(line) for line in re.findall(r"python -m (.*)", head)]

    @property
    def files(self) -> set[str]:
        return {words[1] for words in self.commands if words[0] == "search.run"}


WHOLE = [r for r in map(Recipe, RECIPES) if any(words[0] == "ensembles.build" for words in r.commands)]


def test_every_recipe_leads_to_a_submission() -> None:
    assert set().union(*(r.files for r in WHOLE)) == {f"spaces/recipes/{path.name}" for path in RECIPES}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", WHOLE, ids=lambda r: r.path.stem)
def test_recipe_runs_to_a_submission(recipe: Recipe, sample: Path, tmp_path: Path, monkeypatch) -> None:
    """Its folds, stages, heads, variants and votes are all there; networks, photos and epochs are small."""
    no_pictures(monkeypatch)
    out = tmp_path / "runs"
    for module, *words in recipe.commands:
        placed = [str(sample) if w == "DATA" else re.sub("^runs/", f"{out}/", w) for w in words]
        if module == "search.run":
            sure = ["--threshold", SURE] if "--pseudo" in words else []
            few = [] if recipe.path.stem in VOTES else FEW
            assert search([*placed, *sure, *few, "--smoke", "--executor", "inline", "--out", str(out)]) == 0
        else:
            assert module == "ensembles.build" and build([*placed, "--no-persons"]) == 0
    runs = [Run.open(path) for path in sorted(out.iterdir()) if path.is_dir()]
    for run in runs:
        complete = [trial for trial in run.trials() if trial.finished]
        assert complete and all(len(trial.folds()) == run.info.folds for trial in complete)
        assert complete[0].result.epochs_done == EPOCHS * run.info.folds
    built = [path for run in runs for path in sorted((run.root / "ensembles").glob("*/submission.csv"))]
    assert len(built) == sum(words[0] == "ensembles.build" for words in recipe.commands)
    for path in built:
        table = pd.read_csv(path)
        assert table["ImageID"].tolist() == pd.read_csv(sample / "eval" / "info.csv")["ImageID"].tolist()
        assert table["ans"].between(0, 17).all()
