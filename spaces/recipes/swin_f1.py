"""Swin-L at 384 with F1 loss, hard vote of eight (a cohort's winner).

Run:     python -m search.run spaces/recipes/swin_f1.py --data DATA
         python -m ensembles.build runs/swin_f1 --method hard_vote
Expect:  .7959 on the private leaderboard by its authors; 5 epochs good, 13 worse; needs 24 GB or more; not measured
         by us
Why:     fixed as published: crop 320x256, AdamW 2e-5, batch 16, ages cut at 29 and 58 in training. Of
         the eight trials `hard_vote` counts the best five
"""

import optuna

from search.space import DataFacts, Search

SEARCH = Search(trials=8, folds=5, epochs=5, store_size=(512, 384), rule="none", members=8, first=({"lr": 2e-5},))


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    return {
        "model": {"backbone": "swin_large_patch4_window12_384"},
        "input": {"crop": (0.625, 0.66667), "size": (384, 384)},  # 320x256 of 512x384
        "rows": {"cuts": {"age": [29, 58]}} if "age" in data.attributes else {},
        "augment": {"policy": "none", "hflip": 0.5},
        "loss": {"name": "soft_f1"},
        "optim": {"lr": trial.suggest_float("lr", 1e-5, 4e-5, log=True), "weight_decay": 0.01},
        "batch_size": 16,
    }
