"""Finding a Ray: whoever names what is none hears it in seconds and in one line."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.executors import ray_connect
from search.executors.ray_connect import HELLO, _answers, connect
from trainable.errors import InputError


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", ["10", "nowhere", "ray://127.0.0.1:10001", "http://127.0.0.1:8265"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"--address: received .*; allowed: auto, HOST:PORT$"):
        connect(address)


def test_address_of_nothing_is_answered_in_seconds(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray itself asks for 14 minutes. It takes loopback for this machine's own address, where nobody listens."""
    monkeypatch.setattr(ray_connect, "ANSWER_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(InputError, match=r"no cluster answers \(.*refused"):
        connect(closed_port())
    with pytest.raises(OSError, match="timed out"):
        _answers(silent)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("answer", "known"), [(b"\0\0\0\4\0\0\0\0\0", True), (b"HTTP/1.0 400 Bad request", False), (b"", False)]
)
def test_ray_is_known_by_the_first_frame_of_http_2(answer: bytes, known: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                assert line.recv(100) == HELLO
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert _answers(f"127.0.0.1:{server.getsockname()[1]}") is known
        thread.join(timeout=5)


def test_folder_that_ray_cannot_use_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("x" * 60)))
    with pytest.raises(InputError, match="too long for the names of its sockets; allowed: RAY_TMPDIR"):
        connect(None)
    (tmp_path / "file").touch()
    monkeypatch.setattr(ray_connect, "LONGEST", 1000)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "file"))
    with pytest.raises(InputError, match="Not a directory; allowed: RAY_TMPDIR"):
        connect(None)


@pytest.mark.parametrize("name", ["slurm.sh", "ray-cluster.yaml"])
def test_cluster_files_ask_for_a_token_before_they_start_anything(name: str) -> None:
    """Ray leaves ~/.ray/auth_token behind: without the mode some processes ask for it and others send none."""
    lines = (Path(__file__).parents[3] / "docs" / name).read_text().splitlines()
    starts = [i for i, line in enumerate(lines) if "ray" in line and " start --" in line and not line.startswith("#")]
    said = [i for i, line in enumerate(lines) if line.startswith("export") and "RAY_AUTH_MODE=token" in line]
    assert len(starts) == 2
    assert all(any(at < i for at in said) or "RAY_AUTH_MODE=token" in lines[i] for i in starts)
    assert all("--dashboard-host=127.0.0.1" in lines[i] for i in starts if "--head" in lines[i])
    assert not any("hostname --ip-address" in line for line in lines), "which is 127.0.1.1 on Debian"
