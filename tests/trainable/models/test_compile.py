"""A compiled network trains, is taken up again, and leaves plain weights. Compiling takes half a minute of a core."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import begun, completed, prepared, tiny
from safetensors.torch import load_file
from torch._dynamo.utils import counters

from trainable.errors import InputError
from trainable.models.build import build_network
from trainable.run import Run
from trainable.training import ways
from trainable.training.checkpoints import Saving
from trainable.training.trial import run_trial

CPU = torch.device("cpu")
CHANGES = {"epochs": 2, "batch_size": 7, "model": {"backbone": "test_vit", "pretrained": False}}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # torch's own, while it compiles
def test_compiled_trial_is_resumed_to_the_bit_and_saves_plain_weights(
    generic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    measured: list[dict[str, float]] = []
    timed = ways._timed

    def prefers(jobs: dict, device: torch.device) -> dict[str, float]:
        measured.append(timed(jobs, device))  # which of them is faster depends on the machine
        return {way: float(way != ways.COMPILED) for way in jobs}

    monkeypatch.setattr(ways, "_timed", prefers)
    config, plain = tiny(**CHANGES, compile=True), tiny(**CHANGES)
    run = prepared(generic, tmp_path / "run")
    trial = begun(run, config)
    counters.clear()
    undisturbed = list(run_trial(trial, device=CPU))
    assert counters["stats"]["unique_graphs"] == 1  # for batches of 6, of both folds
    (both,) = measured  # once a run
    assert set(both) == {ways.EAGER, ways.COMPILED} and all(seconds > 0 for seconds in both.values())
    probabilities = trial.oof().probabilities
    weights = load_file(trial.fold(0).weights)
    assert list(weights) == sorted(build_network(config, 3).state_dict())
    # Compiling takes its time in the first epoch of the trial, and is counted there.
    seconds = [report.metrics["seconds"] for report in undisturbed]
    assert seconds[0] > 5 * max(seconds[1:])
    assert trial.fold(0).result.seconds == pytest.approx(sum(seconds[:2]))

    first = run_trial(begun(prepared(generic, tmp_path / "again"), config), device=CPU, saving=Saving(every=0))
    next(first)
    first.close()
    again = Run.open(tmp_path / "again").trial(trial.id)
    list(run_trial(again, device=CPU))
    assert (again.oof().probabilities == probabilities).all()

    usual = completed(run, plain)
    assert usual.root != trial.root
    np.testing.assert_allclose(usual.oof().probabilities, probabilities, atol=0.02)


def test_trial_that_is_not_compiled_keeps_its_id_and_a_frozen_body_is_not_compiled() -> None:
    assert tiny(compile="auto").trial_id("f") == tiny().trial_id("f") != tiny(compile=True).trial_id("f")
    frozen = {"backbone": "test_resnet", "pretrained": False, "freeze": "body"}
    with pytest.raises(InputError, match=r"received model\.freeze body with compile"):
        tiny(model=frozen, compile=True)
