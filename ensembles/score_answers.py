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
    from ensembles.truth import read_truth
    from trainable.metrics import MACRO_F1
    from trainable.run import EnsembleFolder
    from trainable.words import count, few

    folder = EnsembleFolder(latest(place))
    truth = read_truth(folder.root, answers)
    metric, scores, error = truth.metric, truth.scores(), truth.error()
    single, vote = metric.text(scores["best_single"]), metric.text(scores["ensemble"])
    print(f"true test {metric.shown} of {folder.root.name}: best single {single}, ensemble {vote}")
    if folder.built:
        told = folder.summary()
        nested = f"nested {metric.text(told['nested_score'])} ± {told['nested_std']:.4f}"
        print(f"expected of groups like training's: {nested}")
        if (joined := told.get("same_person")) and joined["kept"]:
            added = f"{joined['gain']:+.4f} ± {joined['gain_error']:.4f}"
            print(f"deciding the photos of one person together comes to that: {added}")
    photos, groups = len(truth.labels), len(set(truth.groups.tolist()))
    of = f" of {count(groups, 'group')}" if groups < photos else ""
    print(f"{count(photos, 'photo')}{of} tell the truth to ± {error:.4f}")
    ahead, doubt = truth.ahead()
    if ahead:
        side = "ahead of" if ahead > 0 else "behind"
        print(f"here the vote is {abs(ahead):.4f} ± {doubt:.4f} {side} the best single trial")
        promised = told["nested_score"] - told["best_single"]["nested_score"] if folder.built else 0.0
        if promised > 0 > ahead:
            print(f"note: out of fold it was {promised:.4f} ahead. Test photos are told by the mean of each trial's "
                  "networks, one a fold, which may help one trial more than a vote")  # fmt: skip
    if metric.name == MACRO_F1 and truth.absent:
        classes = truth.votes["ensemble"].shape[1]
        present = classes - len(truth.absent)
        single, vote = (metric.text(scores[name] * classes / present) for name in ("best_single", "ensemble"))
        print(
            f"note: no photo of the answers is {few(truth.absent)}; such a class counts as 0, as in every score here. "
            f"Over the other {present} alone: best single {single}, ensemble {vote}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
