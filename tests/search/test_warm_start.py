"""`--from RUN`: a new search begins with what an earlier one has finished."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from directing import FACTS
from finished import SEARCH
from helpers import SPACE, prepared, refused, space_file
from optuna.trial import TrialState

from ensembles.members import load_members
from search.assemble import assemble
from search.ledger import Ledger, read_trials
from search.run import main as search
from search.space_file import SpaceFile, load_space
from search.warm_start import FinishedTrials, find_finished, take_over
from trainable.errors import InputError
from trainable.run import Run
from trainable.training.report import Report

WIDER = SEARCH.replace('["test_resnet", "test_vit"]', '["test_resnet", "test_vit", "test_efficientnet"]')
NARROWER = SEARCH.replace('["test_resnet", "test_vit"]', '["test_vit"]')


@pytest.fixture
def fresh(sample: Path, tmp_path: Path) -> Run:
    return prepared(sample, tmp_path / "new", size=(64, 48))


def a_space(tmp_path: Path, text: str) -> SpaceFile:
    return load_space(space_file(tmp_path, text, "again"))


def taken_over(finished: Run, fresh: Run, space: SpaceFile) -> tuple[FinishedTrials, Ledger]:
    found = find_finished(finished.root, space, fresh.experiment)
    ledger = Ledger.open(fresh.study)
    take_over(found, fresh, ledger)
    return found, ledger


@pytest.mark.slow
def test_finished_trials_come_with_scores_states_and_files(finished: Run, fresh: Run, tmp_path: Path) -> None:
    then = {t: f for t, f in read_trials(finished.study).items() if f.state != TrialState.FAIL}
    found, ledger = taken_over(finished, fresh, a_space(tmp_path, WIDER))
    assert found.outside == 0
    now = ledger.named()
    assert list(now) == list(then) and ledger.taken == len(then)
    for name, frozen in now.items():
        assert (frozen.state, frozen.value) == (then[name].state, then[name].value)
        assert frozen.intermediate_values == then[name].intermediate_values
        assert len(frozen.distributions["backbone"].choices) == 3, "as the new space suggests it"
        assert fresh.trial(name).config == finished.trial(name).config
    complete = {t for t, f in then.items() if f.state == TrialState.COMPLETE}
    assert {m.trial.id for m in load_members([fresh.root]).members} == complete
    for name in complete:
        assert not any(fold.broken() for fold in fresh.trial(name).folds())


@pytest.mark.slow
def test_taking_over_twice_changes_nothing_and_mends_what_a_crash_left(
    finished: Run, fresh: Run, tmp_path: Path
) -> None:
    space = a_space(tmp_path, WIDER)
    first = fresh.trial(next(iter(read_trials(finished.study))))
    first.root.mkdir(parents=True)  # linked half-way, not yet in the ledger
    taken_over(finished, fresh, space)
    before = {t: f.number for t, f in read_trials(fresh.study).items()}
    assert first.begun
    taken_over(finished, fresh, space)
    assert {t: f.number for t, f in read_trials(fresh.study).items()} == before


@pytest.mark.slow
def test_what_the_new_run_writes_leaves_the_old_one_alone(finished: Run, fresh: Run, tmp_path: Path) -> None:
    """Files are shared by hard links where the disk has them."""
    taken_over(finished, fresh, a_space(tmp_path, WIDER))
    trial = next(t for t in fresh.trials() if t.finished)
    old = finished.trial(trial.id)
    before = old.fold(0).epochs(), old.result
    trial.fold(0).add_epoch({"epoch": 99.0})
    trial.finish(trial.oof(), replace(trial.result, oof_score=0.0))
    again = Run(finished.root).trial(trial.id)
    assert (again.fold(0).epochs(), again.result) == before


@pytest.mark.slow
def test_trials_outside_the_space_stay_behind(finished: Run, fresh: Run, tmp_path: Path) -> None:
    found, ledger = taken_over(finished, fresh, a_space(tmp_path, NARROWER))
    assert {f.params["backbone"] for f in ledger.named().values()} == {"test_vit"}
    assert found.outside == len(read_trials(finished.study)) - len(ledger.named()) > 0
    assert f"{found.outside} lie outside this space" in found.line()
    with pytest.raises(InputError, match="whose photos held something else under the same names"):
        find_finished(finished.root, a_space(tmp_path, WIDER), replace(fresh.experiment, content="other"))


@pytest.mark.slow
def test_new_search_goes_on_from_them(finished: Run, fresh: Run, tmp_path: Path) -> None:
    """They do not count as trials, the race holds their scores, and none is suggested again."""
    space = a_space(tmp_path, WIDER)
    _, ledger = taken_over(finished, fresh, space)
    old = set(ledger.named())
    s = replace(space.search, trials=3 + ledger.taken)
    director = assemble(fresh, replace(space, search=s), ledger)
    director.resume()
    first = next(iter(director.race.rungs.values()))
    assert set(first) == old and not director.places.unfinished
    new = []
    while (job := director.next_trial()) is not None:
        new.append(job.trial.id)
        for step in range(1, s.epochs + 1):  # far below the others: none goes beyond its first fold
            report = Report(step, 0, 0.01, decides=True, fold_done=step == s.epochs, metrics={})
            if not director.hear(job, report):
                break
    assert len(set(new)) == 3 and not old & set(new)


def test_trial_comes_with_the_corrections_that_it_trained_on(generic: Path, tmp_path: Path) -> None:
    """They lie beside the trials of the old run, whatever has become of the file itself."""
    csv = tmp_path / "corrections.csv"
    csv.write_text("path_or_id,field,value\np00,label,class1\n")
    text = SPACE.replace('"batch_size"', f'"rows": {{"corrections": {str(csv)!r}}}, "batch_size"')
    old = prepared(generic, tmp_path / "old")
    space = load_space(space_file(tmp_path, text))
    ledger = Ledger.open(old.study)
    director = assemble(old, space, ledger, data=FACTS)
    director.resume()
    job = director.next_trial()
    assert job is not None
    director.hear(job, Report(1, 0, float("nan"), decides=True, fold_done=True, metrics={}))
    fresh = prepared(generic, tmp_path / "fresh")
    stopped = ledger.find(job.trial.id)
    take_over(FinishedTrials(old, {job.trial.id: (stopped, stopped.distributions)}, 0), fresh, Ledger.open(fresh.study))
    csv.unlink()
    (tmp_path / "old").rename(tmp_path / "moved")
    trial = fresh.trial(job.trial.id)
    named = Path(trial.config.rows.corrections)
    assert named.is_relative_to(fresh.root) and "p00,label,class1" in named.read_text()
    assert fresh.identify(trial.config) == trial.id


@pytest.mark.slow
def test_a_run_that_does_not_fit_is_refused_and_nothing_is_begun(
    finished: Run, generic: Path, sample: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", tmp_path / "runs", "--from"]
    space = space_file(tmp_path, SEARCH, "same")
    assert "a run on other data or folds" in refused(capfd, search, space, "--data", generic, *words, finished.root)
    other = space_file(tmp_path, SEARCH.replace("epochs=3", "epochs=4"), "longer")
    assert "epochs=3 (this space: 4)" in refused(capfd, search, other, "--data", sample, *words, finished.root)
    assert "no run: received" in refused(capfd, search, space, "--data", sample, *words, tmp_path / "nothing")
    dry = ["--data", generic, *words, finished.root, "--dry-run"]
    assert "a run on other data or folds" in refused(capfd, search, space, *dry)
    assert not (tmp_path / "runs").exists()
