"""Tiny networks on small photos: the whole tool in minutes on two cores.

Run:     python -m search.run spaces/demo.py --data DATA
Expect:  about 4 minutes and macro-F1 .6 to .7 on the sample data (200 people), two CPU cores, no GPU
Why:     networks of .1 to .4 million weights learn from random weights on 48x32 pixels of a face; learning rates are
         those at which they still train, log-uniform, under a decade wide
"""

import optuna

from search.space import DataFacts, Search

SEARCH = Search(trials=16, folds=5, epochs=15, store_size=(128, 96), grace=7, eta=4, members=4, startup=6)


CROPS = {"face": (0.625, 0.667), "head": (0.78, 0.78)}  # 320x256 and 400x300 of 512x384


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    loss = trial.suggest_categorical("loss", ["cross_entropy", "focal"])
    options = {"smoothing": trial.suggest_float("smoothing", 0.0, 0.1, step=0.05)} if loss == "cross_entropy" else {}
    return {
        "model": {
            "backbone": trial.suggest_categorical("backbone", ["test_resnet", "test_efficientnet", "test_vit"]),
            "pretrained": False,
        },
        "input": {"crop": CROPS[trial.suggest_categorical("crop", [*CROPS])], "size": (48, 32)},
        "augment": {"policy": trial.suggest_categorical("augment", ["none", "light", "strong"])},
        "sampler": {"name": "weighted", "power": trial.suggest_float("balance", 0.0, 1.0, step=0.25)},
        "loss": {"name": loss, **options},
        "optim": {"name": "adamw", "lr": trial.suggest_float("lr", 1.5e-3, 8e-3, log=True), "weight_decay": 0.05},
        "batch_size": trial.suggest_categorical("batch_size", [32, 48]),
    }
