"""Who waits says for what, and gets the lock when its holder has died."""

import subprocess
import sys
from pathlib import Path

import pytest

from trainable import locks
from trainable.errors import InputError

HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(lock: Path, seconds: float) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock), str(seconds)], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    return process


def test_waiting_is_said_again_and_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "SAY_EVERY", 0.4)
    with holder(tmp_path / "lock", 1.5), locks.waiting_for(tmp_path / "lock", "decodes the same photos"):
        first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "waiting for another process that decodes the same photos"
    assert second.startswith(f"{first}, for ") and second.endswith("s now; Ctrl-C gives up")


def test_a_lock_is_free_when_its_holder_has_died(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = holder(tmp_path / "lock", 600)
    with pytest.raises(InputError, match="is in use by another process"), locks.alone(tmp_path / "lock", tmp_path):
        pass
    process.kill()
    process.communicate()
    with locks.alone(tmp_path / "lock", tmp_path):
        pass
    with locks.waiting_for(tmp_path / "lock", "decodes the same photos"):
        assert not capsys.readouterr().out


def test_nobody_waits_where_the_lock_is_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with locks.waiting_for(tmp_path / "lock", "decodes the same photos"):
        assert not capsys.readouterr().out
