"""EfficientNet-B4, one model an attribute: here mask; gender and age in two files beside it (write-up 3).

Run:     python -m search.run spaces/recipes/efficientnet_ovo.py --data DATA
         python -m search.run spaces/recipes/efficientnet_ovo_gender.py --data DATA
         python -m search.run spaces/recipes/efficientnet_ovo_age.py --data DATA
         python -m ensembles.build runs/efficientnet_ovo runs/efficientnet_ovo_gender runs/efficientnet_ovo_age
Expect:  "works well" by its authors; not measured by us
Why:     fixed as published: ages cut at 29 and 59 in training, CutMix by upright halves; data without the three
         attributes cannot carry it and are refused by name
"""

import optuna

from search.space import DataFacts, Search

SEARCH = Search(trials=4, folds=5, epochs=10, store_size=(512, 384), members=4, target="mask", first=({"lr": 1e-4},))


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    return {
        "model": {"backbone": "efficientnet_b4"},
        "input": {"size": (380, 380)},
        "rows": {"cuts": {"age": [29, 59]}},
        "augment": {"policy": "none", "hflip": 0.5},
        "mix": {"name": "halves", "p": 0.5, "partner": "any"},
        "optim": {"lr": trial.suggest_float("lr", 3e-5, 3e-4, log=True), "weight_decay": 0.01},
        "batch_size": 16,
    }
