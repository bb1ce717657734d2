"""Pictures of a trial: made on the driver from what lies in the run directory, so that training pays nothing.

Bounded: every trial its first batch; complete ones confusion, errors and Grad-CAM (under 1 MB together); embeddings
only of a trial that is the best so far.
"""

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from search.watch.tensorboard.confusion import confusion_picture
from search.watch.tensorboard.names import picture_tag
from search.watch.tensorboard.summaries import add_summary
from trainable.config import TrialConfig
from trainable.data.rows import made_of_target
from trainable.metrics import confusion
from trainable.models.predict import load_network
from trainable.pictures.attention import embed, grad_cam
from trainable.pictures.batch import first_batch
from trainable.pictures.charts import SHOWN_CLASSES
from trainable.pictures.sheet import sheet
from trainable.ring.plan import NO_AUGMENTATION
from trainable.run import Experiment, Predictions, Run, Trial
from trainable.training.batches import training_batches

SEEN, WRONG, LOOKED = 16, 24, 8  # photos of a first batch, of errors, of Grad-CAM
PAGE, COLUMNS = 8, 4  # pictures on a page, and in a row of it: as wide and high as TensorBoard's cards are
POINTS, THUMB = 500, 40  # photos in the projector, and the longer side of their thumbnails
SIDE = 150  # the longer side of a photo in a picture


class Gallery:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.best = -math.inf

    @property
    def experiment(self) -> Experiment:
        return self.run.experiment

    def first_batch(self, trial: Trial, writer: SummaryWriter) -> None:
        images, captions = first_batch(trial.config, self.experiment)
        add_pages(writer, "first_batch", images[:SEEN], captions[:SEEN])

    def complete(self, trial: Trial, writer: SummaryWriter) -> None:
        """Everything that is made of a complete trial."""
        config, oof = trial.config, trial.oof()
        self._confusion(config, oof, writer)
        self._wrong(config, oof, writer)
        if len(config.tables) > 1:  # no one network, into which one could look
            return
        seen = _Seen(trial)
        self._attention(seen, oof, writer)
        if trial.result.oof_score > self.best:
            self.best = trial.result.oof_score
            self._embeddings(seen, oof, writer)

    def _confusion(self, config: TrialConfig, oof: Predictions, writer: SummaryWriter) -> None:
        guess = oof.probabilities.argmax(1)
        if len(oof.classes) <= SHOWN_CLASSES:
            counts = confusion(oof.label, guess, len(oof.classes))
            add_picture(writer, "confusion/joint", confusion_picture(counts, oof.classes, "all classes"))
        made_of = made_of_target(self.experiment.manifest, config.target)
        given, said = made_of.decode(oof.label), made_of.decode(guess)
        for name, levels in made_of.words.items():
            counts = confusion(given[name], said[name], len(levels))
            add_picture(writer, f"confusion/{name}", confusion_picture(counts, levels, name))

    def _wrong(self, config: TrialConfig, oof: Predictions, writer: SummaryWriter) -> None:
        """The photos it is wrong about while most sure of it."""
        places = _surest(oof, wrong=True)[:WRONG]
        if len(places):
            images, captions = _photos(config, self.experiment, oof.index[places]), _captions(oof, places)
            add_pages(writer, "confidently_wrong", images, captions)

    def _attention(self, seen: "_Seen", oof: Predictions, writer: SummaryWriter) -> None:
        """Photos of fold 0 that its model is surest about, half wrong, half right, and what speaks for its answer."""
        here = oof.fold == 0
        wrong = [p for p in _surest(oof, wrong=True) if here[p]][: LOOKED // 2]
        right = [p for p in _surest(oof, wrong=False) if here[p]][: LOOKED - len(wrong)]
        places = np.array([*wrong, *right], int)
        images = seen.photos(oof.index[places])
        heat = grad_cam(seen.network, images, seen.statistics, oof.probabilities[places].argmax(1))
        pairs = np.stack([images, heat], 1).reshape(-1, *images.shape[1:])
        captions = [c for caption in _captions(oof, places) for c in (caption, "")]
        add_pages(writer, "grad_cam", pairs, captions)

    def _embeddings(self, seen: "_Seen", oof: Predictions, writer: SummaryWriter) -> None:
        places = np.flatnonzero(oof.fold == 0)
        places = places[np.linspace(0, len(places) - 1, min(POINTS, len(places))).astype(int)]
        images = seen.photos(oof.index[places])
        guess = oof.probabilities[places].argmax(1)
        groups = self.experiment.manifest.frame["group"].to_numpy(str)[oof.index[places]]
        table = [
            [oof.classes[label], oof.classes[said], "right" if label == said else "wrong", group]
            for label, said, group in zip(oof.label[places], guess, groups, strict=True)
        ]
        height, width = _size(images, THUMB)
        small = np.full((len(images), THUMB, THUMB, 3), 255, np.uint8)  # the projector takes squares only
        for square, image in zip(small, images, strict=True):
            square[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        writer.add_embedding(
            torch.from_numpy(embed(seen.network, images, seen.statistics)).round(decimals=4),
            metadata=table,
            metadata_header=["given", "predicted", "verdict", "group"],
            label_img=torch.from_numpy(small).permute(0, 3, 1, 2).float() / 255,
            global_step=0,
            tag="validation",
        )


class _Seen:
    """Fold 0 of a trial: its network on the CPU, without test-time views, and photos as it gets them in validation."""

    def __init__(self, trial: Trial) -> None:
        self.trial, fold = trial, trial.fold(0)
        classes, cpu = len(trial.oof().classes), torch.device("cpu")
        self.network: Any = load_network(trial.config, classes, fold.weights, cpu, fold.bodies, trial.run.made_of)
        self.statistics = torch.tensor(fold.result.statistics)

    def photos(self, rows: np.ndarray) -> np.ndarray:
        """uint8 [n, H, W, 3] of rows of the manifest."""
        return _photos(self.trial.config, self.trial.run.experiment, rows)


def _photos(config: TrialConfig, experiment: Experiment, rows: np.ndarray) -> np.ndarray:
    return training_batches(config, experiment).make(NO_AUGMENTATION, rows)


def _captions(oof: Predictions, places: np.ndarray) -> list[str]:
    captions = []
    for label, probabilities in zip(oof.label[places], oof.probabilities[places], strict=True):
        said = int(probabilities.argmax())
        verdict = "right" if said == label else f"is {oof.classes[label]}"
        captions.append(f"{probabilities[said]:.0%} {oof.classes[said]}\n{verdict}")
    return captions


def add_pages(writer: SummaryWriter, name: str, images: np.ndarray, captions: Sequence[str]) -> None:
    """Photos uint8 [N, H, W, 3] with captions, a page a step: the slider turns them.

    TensorBoard opens the last step, so that the first photos come there.
    """
    small = _small(images)
    starts = range(0, len(small), PAGE)
    for step, start in enumerate(reversed(starts)):
        page = slice(start, start + PAGE)
        add_picture(writer, name, sheet(small[page], captions[page], columns=COLUMNS), step)


def add_picture(writer: SummaryWriter, name: str, pixels: np.ndarray, step: int = 0) -> None:
    """uint8 [H, W, 3] as a JPEG, a tenth of the PNG that SummaryWriter would make of photos."""
    good, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert good
    height, width, _ = pixels.shape
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=data.tobytes())
    add_summary(writer, Summary(value=[Summary.Value(tag=picture_tag(name), image=image)]), step)


def _surest(oof: Predictions, *, wrong: bool) -> np.ndarray:
    """Places in `oof` of right or wrong predictions, the most confident first."""
    guess = oof.probabilities.argmax(1)
    found = np.flatnonzero((guess != oof.label) == wrong)
    return found[np.argsort(-oof.probabilities[found].max(1), kind="stable")]


def _size(images: np.ndarray, side: int) -> tuple[int, int]:
    factor = side / max(images.shape[1:3])
    return max(1, round(images.shape[1] * factor)), max(1, round(images.shape[2] * factor))


def _small(images: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, 3] with SIDE pixels on the longer side: small photos enlarged, large ones shrunk."""
    size = _size(images, SIDE)
    return np.stack([cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA) for image in images])
