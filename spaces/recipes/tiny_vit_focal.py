"""TinyViT-11M with focal loss, its first two stages frozen (second of a cohort).

Run:     python -m search.run spaces/recipes/tiny_vit_focal.py --data DATA
         python -m ensembles.build runs/tiny_vit_focal
Expect:  .756 on the private leaderboard by its authors; not measured by us
Why:     fixed as published: a crop of 256 to 224, gamma 3, AdamW 5e-4 with weight decay .05, cosine
"""

import optuna

from search.space import DataFacts, Search

SEARCH = Search(trials=6, folds=5, epochs=12, store_size=(512, 384), members=5, first=({"lr": 5e-4},))


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    return {
        "model": {"backbone": "tiny_vit_11m_224", "freeze": 2},
        "input": {"crop": (0.5, 0.66667), "size": (224, 224)},  # 256x256 of 512x384
        "augment": {"policy": "none", "hflip": 0.5},
        "loss": {"name": "focal", "gamma": 3.0},
        "optim": {
            "lr": trial.suggest_float("lr", 2e-4, 1e-3, log=True),
            "weight_decay": 0.05,
            "schedule": "cosine",
        },
        "batch_size": 64,
    }
