"""How a vote did, where the right answers are known (generated data, or a competition that is over).

python -m ensembles.score_answers RUN[/ensembles/NAME] ANSWERS.csv
"""

from pathlib import Path

from trainable.command import Parser, guarded
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("truth"), description="Score a vote whose answers are known.")
    parser.add_argument(
        "ensemble", type=Path, metavar="RUN[/ensembles/NAME]", help="an ensemble, or a run for its latest"
    )
    parser.add_argument("answers", type=Path, metavar="ANSWERS.csv", help="like the submission, with the right classes")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given.ensemble, given.answers))


def command(place: Path, answers: Path) -> int:
    """Exit code of the command; raises InputError."""
    from ensembles.newest import latest
    from ensembles.truth import absent_classes, metric_of, true_scores
    from trainable.metrics import MACRO_F1
    from trainable.run import EnsembleFolder
    from trainable.words import few

    folder = EnsembleFolder(latest(place))
    scores = true_scores(folder.root, answers)
    metric = metric_of(folder, folder.test()["classes"].tolist())
    single, vote = metric.text(scores["best_single"]), metric.text(scores["ensemble"])
    print(f"true test {metric.shown} of {folder.root.name}: best single {single}, ensemble {vote}")
    if metric.name == MACRO_F1 and (absent := absent_classes(folder.root, answers)):
        print(
            f"note: no photo of the answers is {few(absent)}; such a class counts as 0, as in every score here: "
            "macro-F1 over the others alone is higher"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
