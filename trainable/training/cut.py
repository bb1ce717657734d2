"""A fold that time has cut short, as a network that can predict: its last state on disk, whatever epoch that is of."""

import torch
from safetensors.torch import save

from trainable.images.loader import Loader
from trainable.models.predict import predict
from trainable.models.tta import viewed
from trainable.run import Predictions, Trial
from trainable.training.batches import training_batches
from trainable.training.context import FoldContext
from trainable.training.scores import scores_of
from trainable.training.state import begin_or_resume, to_host
from trainable.training.validation import ValidationBatches


def cut_short(trial: Trial, k: int, device: torch.device) -> None:
    """Write what fold `k` has learnt so far beside the trial's folds (`Trial.cut`), with the predictions of its rows.

    The fold itself goes on from its state when the search is resumed. Raises FileNotFoundError without such a state.
    """
    config, run, files = trial.config, trial.run, trial.fold(k)
    if not files.resume.exists():
        raise FileNotFoundError(files.resume)
    loader = Loader(training_batches(config, run.experiment), workers=0, pin=False)
    fold = FoldContext(config, run.experiment, k, loader, device, files, metric=run.metric)
    state, rows = begin_or_resume(fold), fold.validation_rows
    batches = ValidationBatches(loader, rows, pin=False)
    probabilities = predict(viewed(state.kept, config.tta), batches, fold.statistics, bf16=fold.bf16)
    scores = scores_of(fold.truth, probabilities, fold.measure, made_of=fold.made_of)
    epochs = files.epochs()
    content = save({name: value.cpu().contiguous() for name, value in to_host(state.kept).items()})
    number = (rows * 0 + k).astype("int8")
    trial.cut.finish(
        content,
        Predictions(rows, probabilities, fold.truth, number, fold.classes),
        fold=k,
        epochs=state.epoch,
        score=scores["score"],
        statistics=fold.statistics.tolist(),
        micro_batch=state.micro_batch,
        seconds=sum(epoch["seconds"] for epoch in epochs),
        seconds_with_setup=0.0,
    )
