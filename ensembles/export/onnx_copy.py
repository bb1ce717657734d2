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

NEEDED = ("onnx", "onnxscript", "onnxruntime")
LIMIT = 1e-3  # of a probability, in fp32


class Whole(nn.Module):
    """Photos to probabilities: normalisation, views and softmax are part of the copy."""

    def __init__(self, model: nn.Module, statistics: Tensor) -> None:
        super().__init__()
        self.model = model
        self.statistics: Tensor
        self.register_buffer("statistics", statistics)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 [B, H, W, 3] -> float32 [B, C]."""
        return self.model(normalise(images, self.statistics)).float().softmax(1)


def check_installed() -> None:
    """InputError when what ONNX copies need is not there."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"ONNX: missing {', '.join(missing)}; allowed: pip install 'foldvote[export]', or --no-onnx")


def copy_to_onnx(model: nn.Module, statistics: Tensor, images: np.ndarray, file: Path) -> float:
    """Writes the copy; the largest difference of a probability from torch's on images uint8 [B, H, W, 3], B >= 2."""
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
    """A function uint8 [B, H, W, 3] -> probabilities float32 [B, C] that knows nothing of torch."""
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]
