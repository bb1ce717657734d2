"""`--from RUN`: a new search begins with what an earlier one has finished."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import SEARCH
from directing import director_of
from helpers import prepared, refused, space_file
from optuna.trial import TrialState
from trainable.run.paths import RunPaths

from ensembles.members import load_members
from search.ledger import Ledger, read_trials
from search.run import main as search
from search.space import DataFacts
from search.space_file import SpaceFile, load_space
from search.warm_start import Earlier, find_earlier, take_over
from trainable.files import write_json
from trainable.metrics import macro_f1
from trainable.run.experiment import Experiment

WIDER = SEARCH.replace('["test_resnet", "test_vit"]', '["test_resnet", "test_vit", "test_efficientnet"]')
NARROWER = SEARCH.replace('["test_resnet", "test_vit"]', '["test_vit"]')


@pytest.fixture
def fresh(sample: Path, tmp_path: Path) -> Experiment:
    return prepared(sample, tmp_path / "new", size=(64, 48))


def a_space(tmp_path: Path, text: str) -> SpaceFile:
    return load_space(space_file(tmp_path, text, "again"))


def taken_over(finished: RunPaths, fresh: Experiment, space: SpaceFile) -> tuple[Earlier, Ledger]:
    earlier = find_earlier(finished.root, space, fresh)
    ledger = Ledger.open(fresh.paths.study)
    take_over(earlier, fresh.paths, ledger)
    return earlier, ledger


def test_finished_trials_come_with_scores_states_and_files(
    finished: RunPaths, fresh: Experiment, tmp_path: Path
) -> None:
    then = {t: f for t, f in read_trials(finished.study).items() if f.state != TrialState.FAIL}
    earlier, ledger = taken_over(finished, fresh, a_space(tmp_path, WIDER))
    assert earlier.outside == 0
    now = ledger.named()
    assert list(now) == list(then) and ledger.taken == len(then)
    for name, frozen in now.items():
        assert (frozen.state, frozen.value) == (then[name].state, then[name].value)
        assert frozen.intermediate_values == then[name].intermediate_values
        assert len(frozen.distributions["backbone"].choices) == 3, "as the new space suggests it"
    members = load_members([fresh.paths.root], score=macro_f1)
    assert {m.trial.root.name for m in members.members} == {
        t for t, f in then.items() if f.state == TrialState.COMPLETE
    }


def test_taking_over_twice_changes_nothing_and_mends_what_a_crash_left(
    finished: RunPaths, fresh: Experiment, tmp_path: Path
) -> None:
    space = a_space(tmp_path, WIDER)
    first = next(iter(read_trials(finished.study)))
    fresh.paths.trial(first).root.mkdir(parents=True)  # linked half-way, not yet in the ledger
    taken_over(finished, fresh, space)
    before = {t: f.number for t, f in read_trials(fresh.paths.study).items()}
    assert fresh.paths.trial(first).config.exists()
    taken_over(finished, fresh, space)
    assert {t: f.number for t, f in read_trials(fresh.paths.study).items()} == before


def test_trials_outside_the_space_stay_behind(finished: RunPaths, fresh: Experiment, tmp_path: Path) -> None:
    earlier, ledger = taken_over(finished, fresh, a_space(tmp_path, NARROWER))
    assert {f.params["backbone"] for f in ledger.named().values()} == {"test_vit"}
    assert earlier.outside == len(read_trials(finished.study)) - len(ledger.named()) > 0
    assert f"{earlier.outside} lie outside this space" in earlier.line()


def test_new_search_goes_on_from_them(finished: RunPaths, fresh: Experiment, tmp_path: Path) -> None:
    """They do not count as trials, the race holds their scores, and none is suggested again."""
    space = a_space(tmp_path, WIDER)
    _, ledger = taken_over(finished, fresh, space)
    old = set(ledger.named())
    s = replace(space.search, trials=3 + ledger.taken)
    space = replace(space, search=s)
    director = director_of(fresh.paths, space, ledger, DataFacts.of(fresh.manifest), fresh.folds.fingerprint())
    first = next(iter(director.race.rungs.values()))
    assert set(first) == old and not director.unfinished
    new = []
    while (found := director.next_trial()) is not None:
        new.append(found[0])
        write_json(fresh.paths.trial(found[0]).result, {"oof_macro_f1": 0.01})
        for step in range(1, s.epochs * s.folds + 1):
            fold, last = (step - 1) // s.epochs, step % s.epochs == 0
            report = {"step": step, "fold": fold, "score": 0.01, "decides": True, "fold_done": last, "metrics": {}}
            if not director.report(found[0], report):
                break
    assert len(set(new)) == 3 and not old & set(new)


def test_a_run_that_does_not_fit_is_refused_and_nothing_is_begun(
    finished: RunPaths, generic: Path, sample: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", tmp_path / "runs", "--from"]
    space = space_file(tmp_path, SEARCH, "same")
    assert "a run on other data or folds" in refused(capfd, search, space, "--data", generic, *words, finished.root)
    other = space_file(tmp_path, SEARCH.replace("epochs=3", "epochs=4"), "longer")
    assert "epochs=3 (this space: 4)" in refused(capfd, search, other, "--data", sample, *words, finished.root)
    assert "no run: received" in refused(capfd, search, space, "--data", sample, *words, tmp_path / "nothing")
    assert not (tmp_path / "runs").exists()
