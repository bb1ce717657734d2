"""What each technique gives alone: a centre, and in turn the centre with one thing changed.

Run:     python -m search.run spaces/ablation.py --data DATA
         and again with another seed: spaces/ablation_again.py; nothing races, every trial completes. Without Ray, both
         seeds and the table: python -m benchmarks.ablation --work DIR
Expect:  one trial a technique at demo scale, about 20 CPU seconds each with 100 people
Why:     the centre is `efficientnet_b4_cutmix` without its tricks, on the network of `spaces/demo.py`, which learns
         from random weights; strengths are those of the recipes. Networks this small say what is harmless, not what
         wins at full scale: for that give CENTRE a backbone and a size of your own in a variant of this file
"""

import optuna

from search.space import DataFacts, Search

CENTRE: dict = {
    "model": {"backbone": "test_resnet", "pretrained": False},
    "input": {"crop": (0.78, 0.78), "size": (64, 48)},
    "augment": {"policy": "none"},
    "optim": {"lr": 4e-3, "weight_decay": 0.05},
    "batch_size": 32,
}
TECHNIQUES: dict[str, dict] = {
    "centre": {},
    "crop whole": {"input": {"crop": (1.0, 1.0)}},
    "crop 320x256": {"input": {"crop": (0.625, 0.667)}},
    "face crop": {"input": {"region": "face", "margin": 0.4}},
    "background removed": {"input": {"background": "removed"}},
    "own statistics": {"input": {"normalise": "dataset"}},
    "flip": {"augment": {"hflip": 0.5}},
    "vertical flip": {"augment": {"vflip": 0.5}},
    "rotate, shift, scale": {"augment": {"rotate": 10.0, "shift": 0.05, "scale": 0.1}},
    "brightness, contrast": {"augment": {"brightness": 0.2, "contrast": 0.2}},
    "colour jitter": {"augment": {"jitter": 0.2}},
    "hue, saturation, lightness": {"augment": {"hue": 0.03, "saturation": 0.15, "lightness": 0.1}},
    "CLAHE": {"augment": {"clahe": 0.5}},
    "blur": {"augment": {"blur": 0.2}},
    "noise": {"augment": {"noise": 0.3}},
    "invert": {"augment": {"invert": 0.2}},
    "grey": {"augment": {"grey": 0.3}},
    "coarse dropout": {"augment": {"holes": 4, "hole_size": 0.15}},
    "random erasing": {"augment": {"erasing": 0.5}},
    "Canny": {"augment": {"canny": 0.2}},
    "RandAugment": {"augment": {"rand_ops": 2, "rand_magnitude": 5.0}},
    "light preset": {"augment": {"policy": "light"}},
    "strong preset": {"augment": {"policy": "strong"}},
    "CutMix": {"mix": {"name": "cutmix", "p": 0.5}},
    "half CutMix": {"mix": {"name": "halves", "p": 0.6}},
    "half CutMix, same class": {"mix": {"name": "halves", "p": 0.6, "partner": "same"}},
    "MixUp": {"mix": {"name": "mixup", "p": 0.5, "alpha": 0.4}},
    "weighted sampler": {"sampler": {"name": "weighted", "power": 0.5}},
    "effective number sampler": {"sampler": {"name": "effective"}},
    "balanced batches": {"sampler": {"name": "balanced"}},
    "class weights": {"loss": {"class_weights": "power"}},
    "effective number weights": {"loss": {"class_weights": "effective"}},
    "label smoothing": {"loss": {"smoothing": 0.1}},
    "focal": {"loss": {"name": "focal", "gamma": 2.0}},
    "F1 loss": {"loss": {"name": "soft_f1"}},
    "cross-entropy + F1": {"loss": {"f1_weight": 0.5}},
    "focal + F1": {"loss": {"name": "focal", "f1_weight": 0.5}},
    "Adam": {"optim": {"name": "adam"}},
    "RAdam": {"optim": {"name": "radam"}},
    "SGD": {"optim": {"name": "sgd", "lr": 3e-2}},
    "Adam, then SGD": {"optim": {"name": "adam", "second": "sgd", "second_lr": 1e-2}},
    "layer decay": {"optim": {"layer_decay": 0.8}},
    "head rate x 5": {"optim": {"head_factor": 5.0}},
    "restarts": {"optim": {"schedule": "restarts"}},
    "one cycle": {"optim": {"schedule": "one_cycle"}},
    "multistep": {"optim": {"schedule": "multistep"}},
    "constant rate": {"optim": {"schedule": "constant"}},
    "EMA": {"optim": {"ema": 0.99}},
    "clipping": {"optim": {"clip": 1.0}},
    "flip at test time": {"tta": "flip"},
    "crops at test time": {"tta": "crops"},
}
PEOPLE: dict[str, dict] = {  # these need mask, gender and age
    "flip for 60+ only": {"augment": {"hflip": 0.5, "hflip_only": "age=>=60"}},
    "half CutMix with old people": {"mix": {"name": "halves", "p": 0.6, "partner": "age=>=60"}},
    "core corrections": {"rows": {"corrections": "core"}},
    "cut 58": {"rows": {"cuts": {"age": [30, 58]}}},
    "cuts 29/59": {"rows": {"cuts": {"age": [29, 59]}}},
    "drop 57-59": {"rows": {"drop": {"age": [0, 3]}}},
    "drop 27-29 and 57-59": {"rows": {"drop": {"age": [3, 3]}}},
    "three heads": {"head": {"name": "attributes"}},
    "three heads, ordinal age": {"head": {"name": "attributes", "ordinal": ["age"]}},
    "two stages": {"stage": {"rows": "mask=none", "share": 0.3}},
}
SEARCH = Search(
    trials=len(TECHNIQUES) + len(PEOPLE),
    folds=3,
    epochs=14,
    store_size=(128, 96),
    grace=14,
    rule="none",
    members=100,
    sampler="random",
    first=tuple({"technique": name} for name in [*TECHNIQUES, *PEOPLE]),
)


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    """Where people's attributes are unknown, their techniques are the centre again, which is trained once."""
    people = {"mask", "gender", "age"} <= set(data.attributes)
    known = {**TECHNIQUES, **(PEOPLE if people else {})}
    return change(CENTRE, known.get(trial.suggest_categorical("technique", [*TECHNIQUES, *PEOPLE]), {}))


def change(centre: dict, technique: dict) -> dict:
    """The centre with the fields of a technique in place of its own."""
    found = dict(centre)
    for key, value in technique.items():
        found[key] = {**centre.get(key, {}), **value} if isinstance(value, dict) else value
    return found
