"""What a search leaves in its run for reports: made of a real ledger and race, read back as it was written."""

import math
from pathlib import Path

import optuna
import pytest
from helpers import prepared

from search.ledger import RETRAINED, Ledger
from search.race import Race
from search.record import record_of, write_search_record
from trainable.run import Run
from trainable.run.search_record import Parameter, Rung, SearchRecord

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")  # a tuple is one of ours


@pytest.fixture
def searched(tmp_path: Path) -> tuple[Ledger, Race]:
    """Six trials of 2 epochs and 2 folds, a rung after each epoch of fold 0, of which half goes on."""
    ledger, race = Ledger.open(tmp_path / "study.log"), Race(2, 2, 6, grace=1, eta=2, members=1, rule="none")
    sampler = optuna.samplers.RandomSampler(seed=0)
    for number in range(6):
        ledger.study.sampler = sampler
        asked = ledger.study.ask()
        asked.suggest_float("lr", 1e-4, 1e-2, log=True)
        if asked.suggest_categorical("size", [(32, 32), (48, 48)]) == (48, 48):
            asked.suggest_int("heads", 1, 4)
        ledger.add(asked, f"t{number}")

    def report(name: str, step: int, score: float) -> None:
        ledger.report(name, step, score)
        race.record(name, step, score)

    for number in range(5):
        report(f"t{number}", 1, number / 10 if number else math.nan)
    race.promote({"t4"})
    report("t4", 2, 0.5)
    report("t4", 4, 0.6)
    ledger.complete("t4", 0.55)
    ledger.stop("t1", "rank 4 of 5 after 1 epoch")
    ledger.fail("t0", "score nan at step 1")
    return ledger, race


def test_record_tells_every_trial_the_rungs_and_the_ranges(searched: tuple[Ledger, Race]) -> None:
    record = record_of(*searched)
    assert [(t.trial, t.number) for t in record.trials] == [(f"t{n}", n + 1) for n in range(6)]
    assert [t.state for t in record.trials] == ["failed", "stopped", "waiting", "waiting", "complete", "waiting"]
    assert record.trials[4].score == 0.55 and math.isnan(record.trials[1].score)
    assert record.trials[4].scores == {1: 0.4, 2: 0.5, 4: 0.6} and record.trials[5].scores == {}
    assert math.isnan(record.trials[0].scores[1]) and record.trials[0].reason == "score nan at step 1"
    assert record.trials[0].parameters["size"] in ("[32, 32]", "[48, 48]")
    assert [rung.step for rung in record.rungs] == [1, 2]
    assert record.rungs[0].went_on == ("t4",) and math.isnan(record.rungs[0].scores["t0"])
    assert record.fold_scores == {"t4": [0.5, 0.6]}
    assert record.parameters["lr"] == Parameter("float", 1e-4, 1e-2, log=True)
    assert record.parameters["size"].choices == ("[32, 32]", "[48, 48]")
    assert record.parameters["heads"].kind == "int"
    assert set(record.importances) <= {"lr", "size"} and sum(record.importances.values()) == pytest.approx(1)


def test_record_is_read_back_as_it_was_written(searched: tuple[Ledger, Race], generic: Path, tmp_path: Path) -> None:
    run = prepared(generic, tmp_path / "run")
    assert run.search() is None
    write_search_record(run, *searched)
    again = Run(run.root).search()
    assert again is not None
    assert repr(again) == repr(record_of(*searched))  # NaN is not equal to itself


def test_retrained_trials_do_not_replace_the_record(generic: Path, tmp_path: Path) -> None:
    run = prepared(generic, tmp_path / "run")
    kept = SearchRecord([], [Rung(1, {"a": 0.5}, ("a",))], {}, {}, {})
    run.write_search(kept)
    write_search_record(run, Ledger.open(tmp_path / "study.log", apart=RETRAINED), Race(2, 2, 1))
    assert run.search() == kept


def test_too_few_trials_have_no_importances(tmp_path: Path) -> None:
    assert record_of(Ledger.open(tmp_path / "study.log"), Race(2, 2, 6)).importances == {}
