"""One network of a few pixels with each way of telling a class that is gender x age band; all trials complete.

Run:     python -m benchmarks.attributes
Expect:  ten CPU seconds a trial
Why:     the three trials differ in nothing but the lines that name a head, so that their scores say what it gives
"""

import optuna

from search.space import DataFacts, Search

HEADS: dict[str, dict] = {
    "joint": {},
    "separate": {"head": {"name": "attributes"}},
    "separate, ordinal age": {"head": {"name": "attributes", "ordinal": ["age"]}},
}
SEARCH = Search(
    trials=len(HEADS),
    folds=3,
    epochs=10,
    store_size=(64, 48),
    grace=10,
    rule="none",
    members=len(HEADS),
    sampler="random",
    features=False,
    first=tuple({"head": name} for name in HEADS),
)


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    return {
        "model": {"backbone": "test_resnet", "pretrained": False},
        "input": {"crop": (0.78, 0.78), "size": (64, 48)},
        "augment": {"policy": "none"},
        "optim": {"lr": 4e-3, "weight_decay": 0.05},
        "batch_size": 32,
        **HEADS[trial.suggest_categorical("head", [*HEADS])],
    }
