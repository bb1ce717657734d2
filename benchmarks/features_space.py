"""One pretrained network at 224 px: what `python -m benchmarks.features --part search` searches on clothing.

Run:     python -m benchmarks.features --work DIR --part search
Expect:  a submission of frozen heads after four minutes of two idle cores, before any trial of the search's own
Why:     the question is how long the first submission takes, so that what is fine-tuned afterwards does not matter
"""

import os

import optuna

from search.space import DataFacts, Search

SIDE = int(os.environ.get("FOLDVOTE_FEATURES_SIDE", "224"))
SEARCH = Search(trials=2, folds=5, epochs=1, store_size=(SIDE, SIDE), grace=1, members=1)


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    return {
        "model": {"backbone": "tf_efficientnet_lite0"},
        "input": {"size": (SIDE, SIDE), "normalise": "backbone"},
        "augment": {"policy": "light", "hflip": 0.5},
        "head": {"init": trial.suggest_categorical("init", ["random", "frozen"])},
        "optim": {"lr": trial.suggest_float("lr", 1e-4, 1e-3, log=True)},
    }
