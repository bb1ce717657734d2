"""How far a pass is, as another process sees it while it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import generic_data

import trainable.features.compute as compute
from trainable.config import TrialConfig
from trainable.features.compute import feature_blocks
from trainable.features.source import Source
from trainable.features.under_way import under_way
from trainable.images.store import open_store
from trainable.models.bodies import random_body

SIZE = (32, 32)
HEAD = {
    "model": {"backbone": "test_resnet", "pretrained": False, "freeze": "body"},
    "head": {"name": "lda"},
    "input": {"store": SIZE, "size": SIZE},
    "augment": {"policy": "none"},
}


def test_a_pass_is_told_of_while_it_goes_on_and_for_its_own_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDVOTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("trainable.features.blocks.CHUNK", 5)
    monkeypatch.setattr(compute, "BATCH", {"cpu": 7})
    data = generic_data(tmp_path / "data")
    (tmp_path / "body").write_bytes(random_body("test_resnet", SIZE, 3))
    store = open_store(data, sorted(str(p.relative_to(data)) for p in (data / "images").glob("*.png")), SIZE)
    config = TrialConfig.from_dict(HEAD)
    source = Source(store, config, "test_resnet", SIZE, tmp_path / "body", torch.device("cpu"))
    seen: list[list[str]] = []
    forward = compute._views

    def views(*given: Any) -> torch.Tensor:
        seen.append([*under_way(store.folder.name), *under_way("of other photos")])
        return forward(*given)

    monkeypatch.setattr(compute, "_views", views)
    feature_blocks(source, ("plain", "flipped"))
    photos = len(store.names)
    told = [f"features of test_resnet 32x32: {done} of {photos} photos" for done in (0, 5, 10, 15)]
    heard = [line for now in seen for line in now]
    assert heard[0] == told[0]
    assert {*heard} <= {*told, f"features of test_resnet 32x32: 20 of {photos} photos"}
    assert len({*heard}) >= 3
    assert [*under_way(store.folder.name)] == [], "it has ended"
