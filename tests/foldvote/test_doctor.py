"""What the doctor finds, on this machine and on ones that lack something."""

from __future__ import annotations

import socket
from collections import namedtuple
from pathlib import Path

import pytest

from foldvote import doctor
from foldvote.doctor import BAD, NOTE, OK, Finding

Usage = namedtuple("Usage", "total used free")


def test_every_line_says_what_it_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main([]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert last.startswith("next: foldvote describe")
    assert all(line.split()[0] in (OK, NOTE) and ": " in line for line in lines)
    text = "\n".join(lines)
    for word in ("torch", "cores", "/dev/shm", "free for runs", "127.0.0.1", "GPU", "network", "pretrained"):
        assert word in text, word


@pytest.mark.parametrize(("free", "state"), [(64e6, NOTE), (8e9, OK)])
def test_small_shared_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, state: str) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Usage(free, 0, free))
    assert doctor.shared_memory(tmp_path).state == state
    assert doctor.shared_memory(tmp_path / "missing").state == NOTE


def test_a_machine_without_ports_cannot_search_with_ray(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not permitted")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    found = doctor.loopback()
    assert found.state == BAD and "--executor inline" in found.meaning
    monkeypatch.setattr(doctor, "findings", lambda weights: iter([found]))
    assert doctor.command() == 1
    assert capsys.readouterr().out.splitlines() == [str(found), "next: mend what is bad"]


def test_missing_package_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    assert [*doctor.packages()] == [
        Finding(BAD, "no-such-package is missing", "install foldvote again, as README says")
    ]


def test_weights_in_a_folder_are_counted(tmp_path: Path) -> None:
    (tmp_path / "resnet18.safetensors").touch()
    found = doctor.pretrained(tmp_path)
    assert found.state == OK and "resnet18" in found.meaning
