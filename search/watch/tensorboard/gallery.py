"""Pictures of a trial: made on the driver from what lies in the run directory, so that training pays nothing.

Bounded: every trial its first batch; complete ones confusion, errors and Grad-CAM (under 1 MB together); embeddings
only of a trial that is the best so far.
"""

import math
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from search.watch.tensorboard.confusion import confusion_picture
from search.watch.tensorboard.summaries import add_summary
from trainable.config import TrialConfig
from trainable.data.labels import ATTRIBUTES, decode
from trainable.data.rows import target_classes
from trainable.files import read_json, read_npz
from trainable.images.loader import NO_AUGMENTATION
from trainable.metrics import confusion
from trainable.models.predict import load_model
from trainable.pictures.attention import embed, grad_cam
from trainable.pictures.batch import first_batch
from trainable.pictures.sheet import sheet
from trainable.run.experiment import Experiment, open_experiment, read_info
from trainable.run.paths import RunPaths
from trainable.training.batches import training_batches

SEEN, WRONG, LOOKED = 32, 24, 8  # photos of a first batch, of errors, of Grad-CAM
POINTS, THUMB = 500, 40  # photos in the projector, and the longer side of their thumbnails
SIDE = 128  # the longer side of a photo in a picture


class Gallery:
    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        self.best = -math.inf

    @cached_property
    def experiment(self) -> Experiment:
        return open_experiment(self.paths.root)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """What the run's trials predict."""
        target = read_info(self.paths).get("target") or read_info(self.paths)["settings"].get("target", "joint")
        return tuple(target_classes(self.experiment.manifest, str(target)))

    def first_batch(self, trial_id: str, writer: SummaryWriter) -> None:
        images, captions = first_batch(self._config(trial_id), self.experiment)
        add_picture(writer, "first_batch", sheet(_small(images[:SEEN]), captions[:SEEN]))

    def complete(self, trial_id: str, score: float, writer: SummaryWriter) -> None:
        """Everything that is made of a complete trial."""
        config, oof = self._config(trial_id), read_npz(self.paths.trial(trial_id).oof)
        self._confusion(config, oof, writer)
        self._wrong(config, oof, writer)
        rows, model, statistics = self._fold(trial_id, config)
        self._attention(config, oof, rows, model, statistics, writer)
        if score > self.best:
            self.best = score
            self._embeddings(config, oof, rows, model, statistics, writer)

    def _confusion(self, config: TrialConfig, oof: dict[str, np.ndarray], writer: SummaryWriter) -> None:
        guess = oof["probabilities"].argmax(1)
        counts = confusion(oof["label"], guess, len(self.classes))
        add_picture(writer, "confusion/joint", confusion_picture(counts, self.classes, "all classes"))
        if config.target != "joint" or not self.experiment.manifest.attributes:
            return
        given, said = decode(oof["label"]), decode(guess)
        for name, levels in ATTRIBUTES.items():
            counts = confusion(given[name], said[name], len(levels))
            add_picture(writer, f"confusion/{name}", confusion_picture(counts, levels, name))

    def _wrong(self, config: TrialConfig, oof: dict[str, np.ndarray], writer: SummaryWriter) -> None:
        """The photos it is wrong about while most sure of it."""
        places = _surest(oof, wrong=True)[:WRONG]
        if len(places):
            images, captions = self._photos(config, oof["index"][places]), self._captions(oof, places)
            add_picture(writer, "confidently_wrong", sheet(_small(images), captions, columns=6))

    def _attention(
        self,
        config: TrialConfig,
        oof: dict[str, np.ndarray],
        rows: np.ndarray,
        model: Any,
        statistics: Any,
        writer: SummaryWriter,
    ) -> None:
        """Photos of fold 0 that its model is surest about, half wrong, half right, and what speaks for its answer."""
        here = np.isin(oof["index"], rows)
        wrong = [p for p in _surest(oof, wrong=True) if here[p]][: LOOKED // 2]
        right = [p for p in _surest(oof, wrong=False) if here[p]][: LOOKED - len(wrong)]
        places = np.array([*wrong, *right], int)
        images = self._photos(config, oof["index"][places])
        heat = grad_cam(model, images, statistics, oof["probabilities"][places].argmax(1))
        pairs = np.stack([images, heat], 1).reshape(-1, *images.shape[1:])
        captions = [c for caption in self._captions(oof, places) for c in (caption, "")]
        add_picture(writer, "grad_cam", sheet(_small(pairs), captions, columns=4))

    def _embeddings(
        self,
        config: TrialConfig,
        oof: dict[str, np.ndarray],
        rows: np.ndarray,
        model: Any,
        statistics: Any,
        writer: SummaryWriter,
    ) -> None:
        places = np.flatnonzero(np.isin(oof["index"], rows))
        places = places[np.linspace(0, len(places) - 1, min(POINTS, len(places))).astype(int)]
        images = self._photos(config, oof["index"][places])
        guess = oof["probabilities"][places].argmax(1)
        table = [
            [self.classes[label], self.classes[said], "right" if label == said else "wrong", group]
            for label, said, group in zip(
                oof["label"][places],
                guess,
                self.experiment.manifest.frame["group"].to_numpy(str)[oof["index"][places]],
                strict=True,
            )
        ]
        height, width = _size(images, THUMB)
        small = np.full((len(images), THUMB, THUMB, 3), 255, np.uint8)  # the projector takes squares only
        for square, image in zip(small, images, strict=True):
            square[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        writer.add_embedding(
            torch.from_numpy(embed(model, images, statistics)).round(decimals=4),
            metadata=table,
            metadata_header=["given", "predicted", "verdict", "group"],
            label_img=torch.from_numpy(small).permute(0, 3, 1, 2).float() / 255,
            global_step=0,
            tag="validation",
        )

    def _config(self, trial_id: str) -> TrialConfig:
        return TrialConfig.from_dict(read_json(self.paths.trial(trial_id).config))

    def _fold(self, trial_id: str, config: TrialConfig) -> tuple[np.ndarray, Any, torch.Tensor]:
        """Fold 0: its validation rows, its model on the CPU, and the statistics it was trained with."""
        fold = self.paths.trial(trial_id).fold(0)
        model = load_model(config, len(self.classes), fold.weights, torch.device("cpu"))
        return self.experiment.folds.valid_rows(0), model, torch.tensor(read_json(fold.result)["statistics"])

    def _photos(self, config: TrialConfig, rows: np.ndarray) -> np.ndarray:
        """uint8 [n, H, W, 3] as the network gets them in validation."""
        return training_batches(config, self.experiment)[NO_AUGMENTATION, rows].numpy()

    def _captions(self, oof: dict[str, np.ndarray], places: np.ndarray) -> list[str]:
        captions = []
        for label, probabilities in zip(oof["label"][places], oof["probabilities"][places], strict=True):
            said = int(probabilities.argmax())
            verdict = "right" if said == label else f"is {self.classes[label]}"
            captions.append(f"{self.classes[said]} {probabilities[said]:.0%}\n{verdict}")
        return captions


def add_picture(writer: SummaryWriter, tag: str, pixels: np.ndarray) -> None:
    """uint8 [H, W, 3] as a JPEG, a tenth of the PNG that SummaryWriter would make of photos."""
    good, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert good
    height, width, _ = pixels.shape
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=data.tobytes())
    add_summary(writer, Summary(value=[Summary.Value(tag=tag, image=image)]), 0)


def _surest(oof: dict[str, np.ndarray], *, wrong: bool) -> np.ndarray:
    """Places in `oof` of right or wrong predictions, the most confident first."""
    guess = oof["probabilities"].argmax(1)
    found = np.flatnonzero((guess != oof["label"]) == wrong)
    return found[np.argsort(-oof["probabilities"][found].max(1), kind="stable")]


def _size(images: np.ndarray, side: int) -> tuple[int, int]:
    factor = side / max(images.shape[1:3])
    return max(1, round(images.shape[1] * factor)), max(1, round(images.shape[2] * factor))


def _small(images: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, 3] with SIDE pixels on the longer side: small photos enlarged, large ones shrunk."""
    size = _size(images, SIDE)
    return np.stack([cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA) for image in images])
