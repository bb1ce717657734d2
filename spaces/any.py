"""Photos of anything: pretrained networks that two cores can train, and what matters most of their fine-tuning.

Run:     python -m search.run spaces/any.py --data DATA
Expect:  a first vote of heads on frozen features after two minutes for 2,000 photos (two CPU cores), then about half a
         minute an epoch; `--hours H` ends it in time
Why:     on a few thousand photos pretrained networks, the size of a photo and the rate count for most; few choices,
         so that few trials tell them apart. Published curves and the frozen heads order the first draws

Photos that have no upright position (cells, satellites, leaves from above): let `vflip` be drawn too. Photos whose left
and right mean something (text, laterality): set `hflip` to 0 and `tta` to "none".
"""

import optuna

from search.space import DataFacts, Search

SEARCH = Search(
    trials=40,
    folds=5,
    epochs=6,
    store_size=(256, 256),
    grace=2,
    members=5,
    startup=12,
    first=({"backbone": "tf_efficientnet_lite0", "side": 160, "lr": 1e-3, "layer_decay": 0.7, "frozen stages": 2},),
)


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    side = trial.suggest_categorical("side", [96, 128, 160])
    return {
        "model": {
            "backbone": trial.suggest_categorical("backbone", [f"tf_efficientnet_lite{i}" for i in range(3)]),
            "freeze": trial.suggest_categorical("frozen stages", [0, 2]),
            "batch_norm": trial.suggest_categorical("batch_norm", ["batch", "kept"]),
            "wise_ft": trial.suggest_categorical("wise_ft", [0.5, 1.0]),
        },
        "head": {"init": trial.suggest_categorical("init", ["random", "frozen"])},
        "input": {"size": (side, side)},
        "augment": {"policy": trial.suggest_categorical("augment", ["light", "strong"]), "hflip": 0.5},
        "mix": {"name": trial.suggest_categorical("mix", ["none", "cutmix", "mixup"])},
        "sampler": {"name": "weighted", "power": trial.suggest_float("balance", 0.0, 1.0, step=0.5)},
        "loss": {"smoothing": trial.suggest_float("smoothing", 0.0, 0.1, step=0.1)},
        "optim": {
            "lr": trial.suggest_float("lr", 1e-4, 3e-3, log=True),
            "layer_decay": trial.suggest_categorical("layer_decay", [0.7, 1.0]),
            "ema": 0.98,
        },
        "batch_size": 32,
        "tta": trial.suggest_categorical("tta", ["none", "flip"]),
    }
