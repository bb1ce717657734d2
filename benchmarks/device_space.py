"""Small pretrained networks on small photos: what many trials on one GPU are made of.

Run:     python -m benchmarks.device search
Expect:  as many trials as a minute and a half allows
Why:     whether a GPU that several small trials share is kept busy, and a deadline kept
"""

import optuna

from search.space import DataFacts, Search

SEARCH = Search(trials=200, folds=3, epochs=4, store_size=(192, 192), grace=1, eta=2, members=3, startup=5)


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    side = trial.suggest_categorical("side", [128, 160])
    return {
        "model": {"backbone": trial.suggest_categorical("backbone", [f"tf_efficientnet_lite{n}" for n in (0, 1)])},
        "input": {"size": (side, side)},
        "augment": {"policy": "light"},
        "optim": {"lr": trial.suggest_float("lr", 3e-4, 3e-3, log=True)},
        "batch_size": 64,
    }
