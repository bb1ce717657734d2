"""One configuration in a run of its own, with neither Ray nor Optuna."""

import argparse
import json
import sys
from pathlib import Path

from trainable.command import check_folder, default_data, flags_of
from trainable.commands import spoken
from trainable.config import TrialConfig
from trainable.data.corrections import unseen_said
from trainable.data.fits import check_data, check_folds_train
from trainable.data.rows import target_classes
from trainable.device import this_device
from trainable.errors import InputError
from trainable.files import read_json
from trainable.images.faces import look
from trainable.models.weights import resolve_weights
from trainable.run import Experiment, Run, Trial, prepare
from trainable.run.inputs import as_kept, run_of_trial
from trainable.threads import use_threads
from trainable.training.report import Report
from trainable.training.trial import train
from trainable.words import few


def train_one(given: argparse.Namespace) -> int:
    """Exit code of `trainable.train` with these arguments; raises InputError."""
    config, run = _read_config(given.config), Run(given.out)
    check_folder("--out", run.root)
    print(f"run directory {run.root}")
    if given.threads:
        use_threads(given.threads)
    weights = resolve_weights(list(config.backbones) if config.model.pretrained else [], given.weights)
    experiment = prepare(
        given.data or default_data(),
        folds=given.folds,
        seed=config.seed,
        store_size=config.input.store,
        skip_bad_images=given.skip_bad_images,
        weights=weights,
        flags=flags_of(given),
    )
    for line in experiment.manifest.taken.lines:
        print(line)
    check_data(config, experiment.manifest, experiment.folds.count)
    check_folds_train(config, experiment.manifest, experiment.folds)
    look([config], experiment.store)
    trial = _begin_or_resume(run, experiment, config)
    for sentence in (*config.cautions(), *unseen_said(config.rows.corrections)):
        print(f"warning: {sentence}")
    measure = run.measure(target_classes(experiment.manifest, config.target))
    device = this_device()

    def say(report: Report) -> bool:
        total = config.epochs * experiment.folds.count
        print(f"fold {report.fold} epoch {report.step}/{total} loss {report.metrics['loss']:.4f} "
              f"{measure.shown} {measure.text(report.score)}")  # fmt: skip
        return True

    result = train(trial, say, device=device, workers=given.workers)
    assert result is not None
    print(f"out-of-fold {measure.shown} {measure.text(result.oof_score)} over {experiment.folds.count} folds")
    print(f"next: {spoken('build', run.root)}")
    return 0


def _read_config(path: Path) -> TrialConfig:
    if not path.is_file():
        raise InputError(f"no configuration: received {path}; allowed: a JSON file, such as a trial of a run has")
    try:
        return TrialConfig.from_dict(as_kept(read_json(path), run_of_trial(path)))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no JSON: {error}; allowed: a file such as a trial of a run has") from None


def _begin_or_resume(run: Run, experiment: Experiment, config: TrialConfig) -> Trial:
    """The trial in a new run, or in one that was begun on the same data and folds."""
    if not run.begun:
        if strangers := run.strangers():
            raise InputError(
                f"--out: received {run.root}, which holds {few(strangers)}; allowed: a new folder or a run"
            )
        run.begin(experiment, command=sys.argv, settings={"epochs": config.epochs})
    elif run.info.folds_fingerprint != experiment.folds_fingerprint or run.info.pseudo:
        raise InputError(f"--out: received {run.root}, a run on other rows or folds; allowed: a new folder")
    elif run.info.content != experiment.content or run.info.data_fingerprint != experiment.manifest.fingerprint():
        raise InputError(
            f"--out: received {run.root}, a run whose photos or tables have changed; allowed: a new folder"
        )
    else:
        run.move_data(experiment.manifest.root)
    trial = run.trial(run.identify(config))
    trial.begin(config)
    return trial
