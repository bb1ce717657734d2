"""Photos of anything: pretrained networks that two cores can train, and what matters most of their fine-tuning.

Run:     python -m search.run spaces/any.py --data DATA
Expect:  a first vote of heads on frozen features after two minutes for 2,000 photos (two CPU cores), then about half a
         minute an epoch; `--hours H` ends it in time
Why:     on a few thousand photos pretrained networks, the size of a photo and the rate count for most; few choices,
         so that few trials tell them apart. Published curves and the frozen heads order the first draws, and a trial
         is first ranked after an eighth of its epochs

UPRIGHT and MIRRORED below say what is known of the photos: change them in a copy of this file.
"""

import optuna

from search.space import DataFacts, Search

UPRIGHT = True  # False where up and down are chance (cells, satellites, leaves): photos are turned by 90 degrees too
MIRRORED = True  # False where left and right mean something (text, which hand): then nothing is flipped
SEARCH = Search(
    trials=40,
    folds=5,
    epochs=6,
    store_size=(256, 256),
    members=5,
    startup=12,
    features=(224,),
    first=(
        {
            "backbone": "tf_efficientnet_lite0",
            "side": 160,
            "lr": 5e-4,
            "init": "frozen",
            "batch_norm": "kept",
            "layer_decay": 0.7,
            "frozen_stages": 2,
            "resized_crop": 0.3,
            "tta": "flip" if MIRRORED else "none",
        },
    ),
)


def augment(name: str) -> dict:
    """A preset, which flips every second photo, or about the same without its flip."""
    if MIRRORED:
        return {"policy": name, "hflip": 0.5}
    light = {"policy": "none", "rotate": 6.0, "shift": 0.05, "scale": 0.08, "brightness": 0.15, "contrast": 0.15}
    return light if name == "light" else {**light, "rotate": 15.0, "scale": 0.15, "holes": 4, "hole_size": 0.15}


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    side = trial.suggest_categorical("side", [96, 128, 160])
    return {
        "model": {
            "backbone": trial.suggest_categorical("backbone", [f"tf_efficientnet_lite{i}" for i in range(3)]),
            "freeze": trial.suggest_categorical("frozen_stages", [0, 2]),
            "batch_norm": trial.suggest_categorical("batch_norm", ["batch", "kept"]),
            "wise_ft": trial.suggest_categorical("wise_ft", [0.5, 1.0]),
        },
        "head": {"init": trial.suggest_categorical("init", ["random", "frozen"])},
        "input": {"size": (side, side)},
        "augment": {
            **augment(trial.suggest_categorical("augment", ["light", "strong"])),
            "turn": 0.0 if UPRIGHT else 1.0,
            "resized_crop": trial.suggest_categorical("resized_crop", [0.0, 0.3, 0.7]),
        },
        "mix": {"name": trial.suggest_categorical("mix", ["none", "cutmix", "mixup"])},
        "sampler": {"name": "weighted", "power": trial.suggest_float("balance", 0.0, 1.0, step=0.5)},
        "loss": {"smoothing": trial.suggest_float("smoothing", 0.0, 0.1, step=0.1)},
        "optim": {
            "lr": trial.suggest_float("lr", 1e-4, 3e-3, log=True),
            "layer_decay": trial.suggest_categorical("layer_decay", [0.7, 1.0]),
            "ema": 0.98,
        },
        "batch_size": 32,
        "tta": trial.suggest_categorical("tta", ["none", "flip", "crops"] if MIRRORED else ["none", "crops"]),
    }
