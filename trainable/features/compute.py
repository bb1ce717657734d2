"""Features of a store's photos: computed once a node, found again by content, taken up where a kill cut them off."""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from trainable.device import stream_to_device
from trainable.errors import InputError
from trainable.features.blocks import Block, block_bytes
from trainable.features.source import Source
from trainable.images.loader import Loader
from trainable.locks import waiting_for
from trainable.memory import as_many_as_fit
from trainable.models.bodies import build_body
from trainable.models.freezing import features
from trainable.models.normalise import normalise
from trainable.progress import Progress

VIEWS = {"plain": (), "flipped": (3,)}  # the axes of [B, C, H, W] that are turned round
BATCH = {"cpu": 64, "cuda": 512}  # halved where the memory is full
_checked: dict[str, tuple[int, int]] = {}  # blocks that this process has read whole: (bytes, time of change)


def feature_blocks(source: Source, views: Sequence[str], *, workers: int = 0) -> dict[str, np.ndarray]:
    """{view: features float16 [N, D]} of a store's N photos, mapped from the cache; what it lacks is computed now.

    views: of VIEWS. workers: processes that prepare batches. Raises InputError where the disk cannot hold them, or a
    feature is no number of 16 bits; OSError where the disk fills up on the way: what is there then is kept.
    """
    folder = source.folder
    folder.mkdir(parents=True, exist_ok=True)
    blocks = {view: Block(folder, view, source.made_of, len(source.store.names)) for view in dict.fromkeys(views)}
    with waiting_for(f"{folder}.lock", "computes the same features"):
        lacking = {view: block.lacking() for view, block in blocks.items() if not _is_checked(block)}
        if any(lacking.values()):
            _compute(source, {view: blocks[view] for view, chunks in lacking.items() if chunks}, workers)
        for block in blocks.values():
            _checked[str(block.file)] = _state(block)
    return {view: block.values() for view, block in blocks.items()}


def _compute(source: Source, blocks: dict[str, Block], workers: int) -> None:
    """Write every chunk that some of these blocks lacks; all of them get it."""
    device, (height, width) = source.device, source.size
    model = build_body(source.backbone, source.size, source.body, pretrained=source.seen.model.pretrained)
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    count = features(model, torch.zeros(1, 3, height, width, device=device)).shape[1]
    for block in blocks.values():
        block.begin(count)
    chunks = sorted({c for block in blocks.values() for c in block.lacking()}, key=lambda c: c.start)
    rows = np.concatenate([np.arange(c.start, c.stop) for c in chunks])
    loader = Loader(source.batches(), workers=workers, pin=device.type == "cuda")
    need = sum(block_bytes(block.rows, count) for block in blocks.values())
    title = f"features of {source.backbone} {height}x{width}, {'+'.join(blocks)} ({need / 1e6:.0f} MB)"
    with Progress() as bar:
        task = bar.add_task(title, total=len(rows))
        parts = _watched(_forward(source, model, loader, rows, tuple(blocks)), lambda n: bar.advance(task, n))
        for chunk, whole in _in_chunks(parts, chunks):
            for block, values in zip(blocks.values(), whole, strict=True):
                block.write(chunk, values)


def _in_chunks(parts: Iterator[np.ndarray], chunks: Sequence[range]) -> Iterator[tuple[range, np.ndarray]]:
    """(chunk, features [views, n, D] of its rows), from batches [views, B, D] that cut the same rows elsewhere."""
    held: list[np.ndarray] = []
    for chunk in chunks:
        while sum(part.shape[1] for part in held) < len(chunk):
            held.append(next(parts))
        whole = np.concatenate(held, 1)
        yield chunk, whole[:, : len(chunk)]
        held = [whole[:, len(chunk) :]]


def _watched(parts: Iterator[np.ndarray], advance: Callable[[int], None]) -> Iterator[np.ndarray]:
    for part in parts:
        advance(part.shape[1])
        yield part


def _forward(
    source: Source, model: nn.Module, loader: Loader, rows: np.ndarray, views: tuple[str, ...]
) -> Iterator[np.ndarray]:
    """Features float16 [views, B, D] of these rows of the store, batch by batch.

    A batch is copied back while the device works on the next.
    """
    device, statistics = source.device, source.statistics.to(source.device)
    limit, last = sys.maxsize, None
    for _, images in stream_to_device(loader.predict(rows, BATCH[device.type]), device):
        work = partial(_views, model, images, statistics, views, source.bf16)
        values, limit = as_many_as_fit(work, len(images), limit)
        ahead = _Copy(values)
        if last is not None:
            yield last.arrived(source.backbone)
        last = ahead
    if last is not None:
        yield last.arrived(source.backbone)


class _Copy:
    """Features on their way back: whoever waits for them does not wait for what the device was given after them."""

    def __init__(self, values: Tensor) -> None:
        half = values.half()
        self.done: torch.cuda.Event | None = None
        if values.device.type == "cuda":
            self.host = torch.empty(half.shape, dtype=half.dtype, pin_memory=True).copy_(half, non_blocking=True)
            self.done = torch.cuda.Event()
            self.done.record()
        else:
            self.host = half

    def arrived(self, backbone: str) -> np.ndarray:
        """float16 [views, B, D]; InputError where 16 bits do not hold them."""
        if self.done is not None:
            self.done.synchronize()
        found = self.host.numpy()
        if not np.isfinite(found).all():
            raise InputError(
                f"features of {backbone}: received values that are no numbers of 16 bits; allowed: another backbone "
                "or other weights"
            )
        return found


@torch.inference_mode()
def _views(
    model: nn.Module, images: Tensor, statistics: Tensor, views: tuple[str, ...], bf16: bool, most: int
) -> Tensor:
    """float32 [views, B, D] of images uint8 [B, H, W, 3], at most `most` of them at once."""
    parts = []
    for some in images.tensor_split(-(-len(images) // most)):
        inputs = normalise(some, statistics)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
            parts.append(torch.stack([features(model, inputs.flip(VIEWS[view])) for view in views]))
    return torch.cat(parts, 1)


def _state(block: Block) -> tuple[int, int]:
    stat = block.file.stat()
    return stat.st_size, stat.st_mtime_ns


def _is_checked(block: Block) -> bool:
    """Whether this process has compared the block with its log, and nobody has written to it since."""
    return block.file.exists() and block.log.exists() and _checked.get(str(block.file)) == _state(block)
