"""How a vote did, where the right answers are known (generated data, or a competition that is over).

python -m ensembles.score_answers RUN/ensembles/NAME ANSWERS.csv
"""

from pathlib import Path

import numpy as np
import pandas as pd

from trainable.command import Parser, guarded
from trainable.data.manifest import read_table
from trainable.errors import InputError
from trainable.metrics import macro_f1
from trainable.run import EnsembleFolder


def true_scores(ensemble: Path, answers: Path) -> dict[str, float]:
    """{"ensemble", "best_single"}: macro-F1 on the test images, of the submission and of the best single trial.

    ensemble: the folder of a built ensemble. answers: a CSV with the submission's rows and the right classes. Raises
    InputError where the folder holds no submission, or the answers have other rows or classes.
    """
    folder = EnsembleFolder(ensemble)
    if not folder.submission.is_file():
        raise InputError(f"no ensemble: received {ensemble}; allowed: a folder that ensembles.build wrote")
    submission = pd.read_csv(folder.submission, dtype=str)
    key, column = submission.columns[0], submission.columns[-1]
    truth = read_table(answers, (key, column))
    if truth[key].tolist() != submission[key].tolist():
        raise InputError(f"{answers}: rows differ from {folder.submission}; allowed: the same {key} in the same order")
    test = folder.test()
    classes = test["classes"].tolist()
    # The competition's classes have names, its tables numbers.
    order = classes if set(submission[column]) <= set(classes) else [str(c) for c in range(len(classes))]
    strange = sorted(set(truth[column]) - set(order))
    if strange:
        raise InputError(f"{answers}: received class {strange[0]!r}; allowed: {', '.join(order)}")
    labels = np.array([order.index(v) for v in truth[column]])
    single = test["probabilities"][int(test["best_single"])].mean(0).argmax(1)
    voted = np.array([order.index(v) for v in submission[column]])
    return {
        "ensemble": macro_f1(labels, voted, len(classes)),
        "best_single": macro_f1(labels, single, len(classes)),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m ensembles.score_answers", description="Score a vote whose answers are known.")
    parser.add_argument("ensemble", type=Path, metavar="RUN/ensembles/NAME")
    parser.add_argument("answers", type=Path, metavar="ANSWERS.csv", help="like the submission, with the right classes")
    given = parser.parse_args(arguments)
    return guarded(lambda: _say(true_scores(given.ensemble, given.answers)))


def _say(scores: dict[str, float]) -> int:
    print(f"true test macro-F1: best single {scores['best_single']:.4f}, ensemble {scores['ensemble']:.4f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
