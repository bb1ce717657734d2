"""Heads on frozen, pretrained networks: every photo goes through a network once, and then heads cost next to nothing.

Run:     python -m search.run spaces/frozen.py --data DATA
Expect:  a minute for each network and size on 2,000 photos (two CPU cores), seconds for each further head
Why:     on a few thousand photos with pretrained networks the forward pass is the cost, and the size of a photo counts
         for more than epochs; strengths are chosen inside each head's training rows, so that they are no parameters
"""

import optuna

from search.space import DataFacts, Search

LITE = "tf_efficientnet_lite"
CHEAPEST = {"side": 128, "backbone": f"{LITE}0", "head": "lda", "beside": "none", "balance": 0.0, "tta": "none"}
SEARCH = Search(trials=24, folds=5, epochs=1, store_size=(256, 256), grace=1, startup=8, first=(CHEAPEST,))

BESIDE = {"none": [], "lite2": [f"{LITE}2 224x224"]}


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    side = trial.suggest_categorical("side", [128, 224])
    backbone = trial.suggest_categorical("backbone", [f"{LITE}0", f"{LITE}1"])
    head = {"name": trial.suggest_categorical("head", ["lda", "ridge", "logistic", "knn"])}
    if data.attributes and head["name"] != "knn":
        head["parts"] = trial.suggest_categorical("parts", ["classes", "attributes"])
    return {
        "model": {"backbone": backbone, "freeze": "body"},
        "head": head,
        "features": {"beside": BESIDE[trial.suggest_categorical("beside", [*BESIDE])]},
        "input": {"size": (side, side), "normalise": "backbone"},
        "augment": {"policy": "none"},
        "loss": {
            "class_weights": "power",
            "weight_power": trial.suggest_float("balance", 0.0, 1.0, step=0.5),
        },
        "tta": trial.suggest_categorical("tta", ["none", "flip"]),
    }
