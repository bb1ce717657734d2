"""An ONNX copy of a fold model, compared with torch."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainable.errors import InputError
from trainable.files import write_atomic
from trainable.models.normalise import normalise
from trainable.words import extra

NEEDED = ("onnx", "onnxscript", "onnxruntime")
LIMIT = 1e-3  # of a probability, in fp32


class Whole(nn.Module):
    """A network with what comes before and after it: from photos to probabilities.

    statistics: float32 [2, 3], mean and deviation of the RGB channels, 0 to 1.
    """

    def __init__(self, model: nn.Module, statistics: Tensor) -> None:
        super().__init__()
        self.model = model
        self.statistics: Tensor
        self.register_buffer("statistics", statistics)

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities float32 [B, C] of photos uint8 [B, H, W, 3]."""
        return self.model(normalise(images, self.statistics)).float().softmax(1)


def check_installed() -> None:
    """Raise InputError, which says how to install them, where packages that ONNX copies need are missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"ONNX copies need {', '.join(missing)}: {extra('export')}, or leave them out with --no-onnx")


def copy_to_onnx(model: nn.Module, statistics: Tensor, images: np.ndarray, file: Path) -> float:
    """Write an ONNX copy of a network to `file`; returns the largest difference of a probability from the network's.

    statistics: as in `Whole`. images: uint8 [B, H, W, 3], two at least, on which both are asked. Raises RuntimeError
    where they differ by more than LIMIT.
    """
    whole = Whole(model.float().to("cpu", memory_format=torch.contiguous_format), statistics.cpu()).eval()  # type: ignore[call-overload]
    inputs = torch.from_numpy(images)
    batch = torch.export.Dim("batch", min=1, max=4096)
    with torch.inference_mode():
        expected = whole(inputs).numpy()
    program = torch.onnx.export(
        whole,
        (inputs,),
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_shapes={"images": {0: batch}},
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    write_atomic(file, lambda path: program.save(str(path)))
    run = open_onnx(file)
    difference = max(float(np.abs(run(images[:n]) - expected[:n]).max()) for n in (1, len(images)))
    if not difference <= LIMIT:
        raise RuntimeError(f"{file}: differs from torch by {difference:.2g}, more than {LIMIT:g}")
    return difference


def open_onnx(file: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A function that answers photos uint8 [B, H, W, 3] with probabilities float32 [B, C], without torch."""
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]
