"""What to do once trials are trained on all rows: a command that is not refused."""

from ensembles.nested import AUTO
from trainable.commands import spoken
from trainable.run import Run
from trainable.words import count


def following(run: Run) -> list[str]:
    """The last lines of `--retrain ... --all-rows`, the next command in the last.

    `build --all-rows` takes trials that all have such a network. Which vote only a build tells, so that the latest one
    is asked where some complete trial has none.
    """
    lacking = [trial.id for trial in run.trials() if trial.finished and not trial.all_rows.finished]
    if not lacking:
        return [f"next: {spoken('build', run.root, '--all-rows')}"]
    if not (built := run.ensembles()):
        return [
            f"{count(len(lacking), 'complete trial')} without a network of all rows; a build says whether they vote",
            f"next: {spoken('build', run.root)}",
        ]
    folder, summary = built[-1].root, built[-1].summary()
    voters = [member["trial"] for member in (*summary["members"], summary["best_single"])]
    if missing := [name for name in lacking if name in voters]:
        return [
            f"{folder.name} needs {count(len(missing), 'trial')} more with a network of all rows",
            f"next: {spoken('search', '--retrain', run.root, *missing, '--all-rows')}",
        ]
    method = [] if folder.name.startswith(AUTO) else ["--method", summary["method"]]
    return [f"next: {spoken('build', run.root, *method, '--all-rows')}"]
