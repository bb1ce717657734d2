"""Feature tables: what they hold, and how they are found, taken up and healed."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import generic_data
from safetensors.torch import load_file

import trainable.features.compute as compute
from trainable.command import guarded
from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.features.blocks import Block
from trainable.features.compute import feature_blocks
from trainable.features.source import Source
from trainable.files import read_json_lines, read_npz
from trainable.images.store import open_store
from trainable.models.bodies import random_body
from trainable.models.build import build_model
from trainable.models.freezing import features

SIZE = (32, 32)
PHOTOS, CHUNK = 24, 5
CONFIG = TrialConfig.from_dict(
    {
        "model": {"backbone": "test_resnet", "pretrained": False, "freeze": "body"},
        "head": {"name": "lda"},
        "input": {"store": SIZE, "size": SIZE},
        "augment": {"policy": "none"},
    }
)


def made(data: Path, body: Path, **changes: Any) -> Source:
    names = sorted(str(p.relative_to(data)) for p in (data / "images").glob("*.png"))
    store = open_store(data, names, SIZE)
    given: dict[str, Any] = {"seen": CONFIG, "backbone": "test_resnet", "size": SIZE, "body": body}
    return Source(store=store, device=torch.device("cpu"), **{**given, **changes})


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Small chunks, a cache of its own, nothing known of blocks that were read before."""
    monkeypatch.setenv("FOLDVOTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("trainable.features.blocks.CHUNK", CHUNK)
    monkeypatch.setattr(compute, "BATCH", {"cpu": 7})
    body = tmp_path / "body.safetensors"
    body.write_bytes(random_body("test_resnet", SIZE, 3))
    return made(generic_data(tmp_path / "data"), body)


def block(source: Source, view: str = "plain") -> Block:
    return Block(source.folder, view, source.made_of, PHOTOS)


def anew(source: Source, *views: str) -> dict[str, np.ndarray]:
    """As another process would find them."""
    compute._checked.clear()
    return {view: np.array(held) for view, held in feature_blocks(source, views or ("plain",)).items()}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images went through the network, call by call."""
    found: list[int] = []
    forward = compute._views

    def views(model: Any, images: torch.Tensor, *rest: Any) -> torch.Tensor:
        found.append(len(images))
        return forward(model, images, *rest)

    monkeypatch.setattr(compute, "_views", views)
    return found


def test_features_are_the_networks_own(source: Source) -> None:
    found = anew(source, "plain", "flipped")
    model = build_model("test_resnet", classes=2, size=SIZE)
    model.load_state_dict(load_file(source.body))
    mean, std = (torch.tensor(row).view(3, 1, 1) for row in source.statistics.tolist())
    photos = torch.from_numpy(np.array(source.store.pixels())).permute(0, 3, 1, 2).float() / 255
    for view, images in (("plain", photos), ("flipped", photos.flip(3))):
        expected = features(model, (images - mean) / std).numpy()
        assert found[view].shape == (PHOTOS, expected.shape[1]) and found[view].dtype == np.float16
        assert found[view] == pytest.approx(expected, rel=2e-3, abs=2e-3)
    assert not np.array_equal(found["plain"], found["flipped"])


def test_found_again_and_named_by_what_they_are_made_of(source: Source, counted: list[int], tmp_path: Path) -> None:
    first = anew(source)
    assert sum(counted) == PHOTOS
    assert np.array_equal(anew(source)["plain"], first["plain"])
    anew(source, "flipped")  # a further view is a further block of the same table
    assert sum(counted) == 2 * PHOTOS
    assert {p.name for p in source.folder.iterdir()} == {f"{v}.{e}" for v in compute.VIEWS for e in ("npy", "jsonl")}
    moved = tmp_path / "elsewhere.safetensors"
    moved.write_bytes(source.body.read_bytes())
    assert replace(source, body=moved).folder == source.folder
    moved.write_bytes(random_body("test_resnet", SIZE, 4))
    others = [
        replace(source, body=moved),
        replace(source, size=(32, 24)),
        replace(source, seen=replace(CONFIG, input=replace(CONFIG.input, crop=(0.5, 0.5)))),
        replace(source, seen=replace(CONFIG, input=replace(CONFIG.input, normalise="backbone")), backbone="test_vit"),
        replace(source, seen=replace(CONFIG, precision="bf16")),
        replace(source, store=open_store(source.store.folder.parents[1] / "data", source.store.names[1:], SIZE)),
    ]
    assert len({source.folder, *(other.folder for other in others)}) == len(others) + 1


class Killed(BaseException):
    pass


def test_taken_up_where_a_kill_cut_it_off(source: Source, counted: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = anew(source)["plain"]
    for file in source.folder.iterdir():
        file.unlink()
    write, written = Block.write, 0

    def dies(self: Block, chunk: range, values: np.ndarray) -> None:
        nonlocal written
        if written == 3:
            raise Killed
        write(self, chunk, values)
        written += 1

    with monkeypatch.context() as patch:
        patch.setattr(Block, "write", dies)
        with pytest.raises(Killed):
            anew(source)
    with block(source).log.open("ab") as log:
        log.write(b'{"first": 15, "crc')  # a torn line, as a kill leaves it
    counted.clear()
    assert np.array_equal(anew(source)["plain"], whole)
    assert sum(counted) == PHOTOS - 3 * CHUNK


@pytest.mark.slow
def test_killed_while_a_table_is_written_the_same_command_goes_on(source: Source, tmp_path: Path) -> None:
    """Real processes and signals: at every point the table and the trial are those of an undisturbed command."""
    config, data = tmp_path / "config.json", source.store.folder.parents[1] / "data"
    config.write_text(json.dumps(CONFIG.to_dict()))
    script = Path(__file__).with_name("killed.py")
    command = [sys.executable, *map(str, (script, config, data, tmp_path / "out"))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    ends = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(ends) == 5 and ends[0] == ["undisturbed", 0, 0]
    assert all(end[1:] == [-signal.SIGKILL, 0] for end in ends[1:]), (ends, done.stdout, done.stderr)
    whole, *others = (tmp_path / "out" / name for name in ("undisturbed", "0", "1", "2", "3"))
    for other in others:
        for form in ("cache/features/*/plain.npy", "run/trials/*/oof.npz", "run/trials/*/fold_*/model.safetensors"):
            files = [sorted(place.glob(form)) for place in (whole, other)]
            assert len(files[0]) in (1, 2) and len(files[0]) == len(files[1])
            for one, two in zip(*files, strict=True):
                if one.suffix == ".npz":
                    assert all(np.array_equal(v, read_npz(two)[k]) for k, v in read_npz(one).items())
                else:
                    assert one.read_bytes() == two.read_bytes(), (other, form)
        log = read_json_lines(next(other.glob("cache/features/*/plain.jsonl")))
        assert sorted(line["first"] for line in list(log)[1:]) == list(range(0, PHOTOS, CHUNK))


def flip_a_bit(b: Block) -> None:
    content = bytearray(b.file.read_bytes())
    content[-3] ^= 1
    b.file.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Block], object], int]] = {
    "a bit flipped": (flip_a_bit, PHOTOS % CHUNK),
    "cut short": (lambda b: os.truncate(b.file, 1000), PHOTOS),
    "empty": (lambda b: b.file.write_bytes(b""), PHOTOS),
    "foreign array": (lambda b: np.save(b.file, np.zeros((3, 4))), PHOTOS),
    "no array": (lambda b: b.file.write_bytes(b"something else" * 100), PHOTOS),
    "gone": (lambda b: b.file.unlink(), PHOTOS),
    "log gone": (lambda b: b.log.unlink(), PHOTOS),
    "log foreign": (lambda b: b.log.write_bytes(b"\xff\xfe\n[1]\n"), PHOTOS),
    "log of another version": (
        lambda b: b.log.write_text(b.log.read_text().replace('"version": 1', '"version": 0')),
        PHOTOS,
    ),
    "a line of the log lost": (
        lambda b: b.log.write_text("".join(b.log.read_text().splitlines(keepends=True)[:-2])),
        CHUNK + PHOTOS % CHUNK,
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_never_read_and_heals(source: Source, counted: list[int], damage: str) -> None:
    whole = anew(source)["plain"]
    do, lost = DAMAGES[damage]
    counted.clear()
    do(block(source))
    assert np.array_equal(anew(source)["plain"], whole)
    assert sum(counted) == lost
    assert not block(source).lacking()


def compute_there(source: Source, cache: str, start: Any) -> None:
    os.environ["FOLDVOTE_CACHE"] = cache
    start.wait(60)
    feature_blocks(source, ["plain"])


def test_two_processes_that_want_the_same_table_write_it_once(source: Source) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    work = [context.Process(target=compute_there, args=(source, os.environ["FOLDVOTE_CACHE"], start)) for _ in "ab"]
    for process in work:
        process.start()
    for process in work:
        process.join(120)
    assert [process.exitcode for process in work] == [0, 0]
    head, *chunks = read_json_lines(block(source).log)
    assert head["rows"] == PHOTOS
    assert [line["first"] for line in chunks] == [0]  # one chunk, of the size that those processes know


def test_disk_without_room_is_one_line_and_nothing_is_begun(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = compute.shutil if hasattr(compute, "shutil") else __import__("shutil")
    monkeypatch.setattr(usage, "disk_usage", lambda _: usage._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(
        InputError, match=r"features: need .* GB, received 0\.00 GB free in .*; allowed: FOLDVOTE_CACHE"
    ):
        anew(source)
    assert list(source.folder.iterdir()) == []


def test_disk_that_fills_is_one_line_and_what_is_there_is_kept(
    source: Source, counted: list[int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pwrite, calls = os.pwrite, 0

    def full(file: int, content: bytes, place: int) -> int:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(file, content, place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        assert guarded(lambda: len(anew(source))) == 1
    lines = capfd.readouterr().err.strip().splitlines()
    assert lines == [f"error: no space left on the disk of {block(source).file}"]
    counted.clear()
    anew(source)
    assert sum(counted) == PHOTOS - 2 * CHUNK


def test_features_beyond_16_bits_are_refused(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = compute._views
    monkeypatch.setattr(compute, "_views", lambda *given: forward(*given) * 1e6)
    with pytest.raises(InputError, match=r"features of test_resnet: received values that are no numbers of 16 bits"):
        anew(source)


def test_log_says_in_words_what_a_table_is_of(source: Source) -> None:
    anew(source)
    said = json.loads(block(source).log.read_text().splitlines()[0])["made_of"]
    assert said["backbone"] == "test_resnet" and said["size"] == [32, 32] and said["region"] == "centre"
