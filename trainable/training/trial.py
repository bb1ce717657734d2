"""A trial: one configuration, K folds, one after another."""

import time
from collections.abc import Callable, Iterator

import torch

from trainable.data.rows import made_of_target
from trainable.images.faces import photos_without_face
from trainable.images.loader import Loader
from trainable.models.compile import forget_compiled
from trainable.run import FINISHED, Predictions, Trial, TrialResult
from trainable.training.batches import training_batches
from trainable.training.checkpoints import SELDOM, Saving
from trainable.training.context import FoldContext
from trainable.training.fold import train_fold
from trainable.training.frozen import FrozenHeads, fit_fold
from trainable.training.report import Report
from trainable.training.scores import scores_of
from trainable.training.start import starting_heads


def run_trial(
    trial: Trial,
    *,
    device: torch.device,
    workers: int = 0,
    only: int | None = None,
    saving: Saving = SELDOM,
) -> Iterator[Report]:
    """Train the folds that are not finished; yields every epoch, also those that an earlier process made.

    only: this fold alone, by an idle worker; the trial passes over it later. workers: processes that prepare batches.
    saving: when the state of a fold goes to disk. Whoever stops iterating stops the trial; what was yielded lies in the
    run directory already, and what to go on from at a rung.
    """
    config, experiment = trial.config, trial.run.experiment
    batches, pin = training_batches(config, experiment), device.type == "cuda"
    loader = Loader(batches, workers=workers, pin=pin, held=config.optim.accumulate)
    fitting, folds = FrozenHeads if config.fitted else starting_heads, experiment.folds
    heads = fitting(trial.run, config, folds, device=device, workers=workers)
    forget_compiled()
    last = experiment.folds.count - 1
    for k in range(experiment.folds.count) if only is None else (only,):
        for report in _run_fold(trial, k, loader, heads, device, saving):
            if report.fold_done and k == last and only is None:
                _finish(trial, device)
            yield report


def train(
    trial: Trial, report: Callable[[Report], bool], *, device: torch.device, workers: int = 0
) -> TrialResult | None:
    """Run a trial until it is complete or `report` answers False, which gives None."""
    for heard in run_trial(trial, device=device, workers=workers):
        if not report(heard):
            return None
    return trial.result


def _run_fold(
    trial: Trial, k: int, loader: Loader, heads: FrozenHeads | None, device: torch.device, saving: Saving
) -> Iterator[Report]:
    config, files = trial.config, trial.fold(k)
    if files.finished:
        epochs = iter(files.epochs())
    elif config.fitted and heads is not None:
        epochs = fit_fold(heads.of_fold(k), k, files)
    else:
        fitted = [f.result.micro_batch for f in trial.folds() if f.finished]
        micro_batch = min([config.batch_size, *fitted])
        run = trial.run
        epochs = train_fold(
            FoldContext(
                config, run.experiment, k, loader, device, files, micro_batch, run.metric, saving, run.ways, heads
            )
        )
    for metrics in epochs:
        epoch = int(metrics["epoch"])
        last = epoch == config.epochs
        yield Report(
            step=k * config.epochs + epoch,
            fold=k,
            score=metrics["score"],
            decides=k == 0 or last,
            fold_done=last,
            metrics=metrics,
        )


def _finish(trial: Trial, device: torch.device) -> None:
    """Write what the folds came to: only then is the trial finished."""
    config, experiment = trial.config, trial.run.experiment
    folds = [trial.fold(k) for k in range(experiment.folds.count)]
    oof, results = Predictions.pooled([fold.validation() for fold in folds]), [fold.result for fold in folds]
    measure = trial.run.measure(oof.classes)
    made_of = made_of_target(experiment.manifest, config.target)
    scores = scores_of(oof.label, oof.probabilities, measure, made_of=made_of)
    later = oof.fold > 0  # the race chose this trial by fold 0, so its score there is optimistic
    trial.finish(
        oof,
        TrialResult(
            trial=trial.id,
            metric=trial.run.info.metric,
            oof_score=scores.pop("score"),
            later_folds_score=measure.score_or_nan(oof.label[later], oof.probabilities[later]),
            fold_scores=tuple(r.score for r in results),
            accuracies=scores,
            epochs_done=sum(r.epochs for r in results),
            seconds=sum(r.seconds for r in results),
            micro_batch=min(r.micro_batch for r in results),
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            threads=torch.get_num_threads(),
            finished_at=time.strftime(FINISHED, time.gmtime()),
            photos_without_face=photos_without_face(config, experiment.store),
        ),
    )
