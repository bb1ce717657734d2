"""ResNet-34 on a centre crop, people of 58 and over trained as old, then pseudo labels (write-up 2, 9th place).

Run:     python -m search.run spaces/recipes/resnet34_age58_pseudo.py --data DATA
         python -m ensembles.build runs/resnet34_age58_pseudo --name one
         python -m search.run spaces/recipes/resnet34_age58_pseudo.py --pseudo runs/resnet34_age58_pseudo/ensembles/one
         python -m ensembles.build runs/resnet34_age58_pseudo_round2 --method hard_vote
         python -m ensembles.build runs/resnet34_age58_pseudo_round2 --method mean_top5
Expect:  .7648 on the private leaderboard with pseudo labels, by its authors; not measured by us
Why:     fixed as published: SGD with momentum .9, times .9 every 10 epochs, batches of 4, ten folds, hard and
         soft votes. The second round takes test photos of which a fold's models are sure to 0.5 (`--threshold`)
"""

import optuna

from search.space import DataFacts, Search

SEARCH = Search(trials=4, folds=10, epochs=15, store_size=(512, 384), members=4, first=({"lr": 1e-4},))


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    return {
        "model": {"backbone": "resnet34"},
        "input": {"crop": (0.75, 1.0), "size": (384, 384)},  # 384x384 of 512x384
        "rows": {"cuts": {"age": [30, 58]}} if "age" in data.attributes else {},
        "augment": {"policy": "none", "hflip": 0.5},
        "loss": {"smoothing": 0.1},
        "optim": {
            "name": "sgd",
            "lr": trial.suggest_float("lr", 3e-5, 3e-4, log=True),
            "momentum": 0.9,
            "weight_decay": 0.0,
            "schedule": "step",
            "step_every": 10,
            "step_factor": 0.9,
            "warmup": 0.0,
        },
        "batch_size": 4,
    }
