"""Batches on their way to the device; what only a GPU can show is skipped elsewhere."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from helpers import tiny

from trainable.data.loader import Loader
from trainable.data.rows import training_rows
from trainable.device import stream_to_device
from trainable.experiment import Experiment
from trainable.models import pixel_statistics
from trainable.predict import predict
from trainable.train import training_batches
from trainable.trainer import Trainer, new_learner

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def batches(pin: bool = False) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    for start in range(0, 10, 4):
        rows = np.arange(start, min(start + 4, 10))
        images = torch.from_numpy(rows).to(torch.uint8)[:, None, None, None].expand(-1, 64, 64, 3).contiguous()
        yield rows, images.pin_memory() if pin else images


@pytest.mark.parametrize("name", ["cpu", pytest.param("cuda", marks=GPU)])
def test_what_arrives_is_what_was_sent_in_its_order(name: str) -> None:
    device = torch.device(name)
    arrived = list(stream_to_device(batches(pin=name == "cuda"), device))
    assert all(rows.device.type == images.device.type == name for rows, images in arrived)
    for (rows, images), (sent_rows, sent) in zip(arrived, batches(), strict=True):
        assert rows.tolist() == sent_rows.tolist()
        assert torch.equal(images.cpu(), sent)


def test_next_batch_is_not_asked_for_before_this_one_is_used() -> None:
    asked = []

    def watched() -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        for batch in batches():
            asked.append(len(asked))
            yield batch

    stream = stream_to_device(watched(), torch.device("cpu"))
    next(stream)
    assert asked == [0]


@GPU
def test_nothing_in_an_epoch_waits_for_the_device(experiment: Experiment) -> None:
    device, config = torch.device("cuda"), tiny(epochs=2)
    loader = Loader(training_batches(config, experiment), pin=True)
    training = training_rows(config, experiment.manifest, experiment.folds, 0)
    paths = experiment.paths.trial("sync").fold(0)
    learner = new_learner(config, experiment, 0, device, paths)
    statistics = pixel_statistics("test_resnet", "imagenet", ((0.0,) * 3, (1.0,) * 3)).to(device)
    trainer = Trainer(config, learner, training, 0, loader, statistics, device, True)
    trainer.epoch(0)  # libraries choose their algorithms, memory is taken
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchroniz"):
            trainer.epoch(1)  # at its very end alone, when the mean loss is read
        assert learner.updates >= 2 * len(training.rows) // config.batch_size
        with pytest.raises(RuntimeError, match="synchroniz"):
            predict(learner.model, loader.predict(training.rows, 8), statistics)
    finally:
        torch.cuda.set_sync_debug_mode("default")
