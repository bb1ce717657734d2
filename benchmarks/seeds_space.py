"""Around what the demo's search finds best, all trials complete: ten data sets can be searched in half an hour.

Run:     python -m benchmarks.seeds --work DIR
Expect:  two to three minutes a data set on two idle cores
Why:     the question is whether voting pays among decent trials, not how a search finds them; five are enough to ask
"""

import optuna

from search.space import DataFacts, Search

SEARCH = Search(trials=5, folds=4, epochs=10, store_size=(128, 96), grace=10, members=5, rule="none", sampler="random")
CROPS = {"face": (0.625, 0.667), "head": (0.78, 0.78)}


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    return {
        "model": {
            "backbone": trial.suggest_categorical("backbone", ["test_resnet", "test_efficientnet"]),
            "pretrained": False,
        },
        "input": {"crop": CROPS[trial.suggest_categorical("crop", [*CROPS])], "size": (80, 64)},
        "augment": {"policy": trial.suggest_categorical("augment", ["none", "light"])},
        "loss": {"name": trial.suggest_categorical("loss", ["cross_entropy", "focal"])},
        "optim": {"lr": trial.suggest_float("lr", 3e-3, 8e-3, log=True), "weight_decay": 0.05},
        "batch_size": 32,
    }
