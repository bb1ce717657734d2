"""Where the pretrained weights of backbones lie."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from timm.models import get_pretrained_cfg

from trainable.errors import InputError
from trainable.models.packaged import PACKAGES, packaged_weights
from trainable.words import extra


def find_weights(backbone: str, folder: Path | None = None, *, download: bool = True) -> Path | None:
    """A safetensors file with timm's names for a backbone; None where there is none.

    In `folder`, where one is given; else in the hub's cache, in an installed package, or from the hub, asked once.

    Called on the driver before any trial: with no network timm would retry for over a minute in each of them.
    """
    if folder is not None:
        given = folder / f"{backbone}.safetensors"
        return given if given.is_file() else None
    config = get_pretrained_cfg(backbone)
    if config is None or not config.hf_hub_id:
        return packaged_weights(backbone)
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    cached = try_to_load_from_cache(config.hf_hub_id, "model.safetensors")
    if isinstance(cached, str):
        return Path(cached)
    if packaged := packaged_weights(backbone):
        return packaged
    if not download or os.environ.get("HF_HUB_OFFLINE") == "1":
        return None
    try:
        return Path(hf_hub_download(config.hf_hub_id, "model.safetensors", etag_timeout=5))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError):
        return None


def weights_at_hand(backbones: Iterable[str], folder: Path | None) -> tuple[str, Path] | None:
    """The first of these backbones whose weights need no download, and their file; None where there is none."""
    found = ((backbone, find_weights(backbone, folder, download=False)) for backbone in backbones)
    return next(((backbone, file) for backbone, file in found if file is not None), None)


def resolve_weights(backbones: list[str], folder: Path | None) -> dict[str, str]:
    """The weight file of each backbone; InputError naming every file that cannot be had."""
    found = {b: find_weights(b, folder, download=False) for b in backbones}
    if None in found.values() and folder is None and hub_answers():
        found = {b: path or find_weights(b, folder) for b, path in found.items()}
    missing = [b for b, path in found.items() if path is None]
    if missing:
        raise InputError(missing_weights(missing))
    return {b: str(path.absolute()) for b, path in found.items() if path is not None}


def hub_answers() -> bool:
    """Whether the hub can be reached, asked once: where it cannot, its library retries half a minute for every file."""
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return False
    from huggingface_hub.constants import ENDPOINT

    try:
        urlopen(Request(ENDPOINT, method="HEAD"), timeout=5).close()
    except HTTPError:  # an answer
        return True
    except OSError:
        return False
    return True


def missing_weights(backbones: list[str]) -> str:
    """The one line for backbones whose pretrained weights cannot be had."""
    names = []
    for backbone in backbones:
        config = get_pretrained_cfg(backbone)
        source = f"hub {config.hf_hub_id}" if config is not None and config.hf_hub_id else "no published weights"
        names.append(f"{backbone}.safetensors ({source})")
    package = f"{extra('weights')}, " if set(backbones) <= set(PACKAGES) else ""
    return (
        f"pretrained weights cannot be had: missing {', '.join(names)}; allowed: {package}files in the hub cache "
        "(`hf download REPO model.safetensors` on a machine with a network), --weights DIR holding them under "
        "these names, or pretrained: false in the space"
    )
