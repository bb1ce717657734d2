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
    from ensembles.truth import metric_of, true_scores
    from trainable.run import EnsembleFolder

    folder = EnsembleFolder(latest(place))
    scores = true_scores(folder.root, answers)
    metric = metric_of(folder, folder.test()["classes"].tolist())
    single, vote = metric.text(scores["best_single"]), metric.text(scores["ensemble"])
    print(f"true test {metric.shown} of {folder.root.name}: best single {single}, ensemble {vote}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
