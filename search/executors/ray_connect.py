"""A Ray to work on: one started on this machine for this search alone, or a cluster that runs already.

The one of this machine listens on loopback only, and with a token that no file keeps. Ray means to bind to this
machine's address on the network, and leaves ~/.ray/auth_token, after which `ray start` would ask for that token while
clients that name an address send none (Ray 2.60, ray/_private/authentication).
"""

import logging
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import ray
from ray._common.utils import get_default_ray_temp_dir
from ray._private import ray_constants, services
from ray._private.services import canonicalize_bootstrap_address
from ray.exceptions import RayError

from trainable.errors import InputError

HOME = Path(__file__).parents[2]  # where our packages lie
LOOPBACK = "127.0.0.1"
TOKEN = uuid.uuid4().hex  # one a process, since Ray keeps the first that it finds
ANSWER_SECONDS = 5.0
GCS_SECONDS = 10  # Ray means to wait a minute for a GCS to come back; nobody restarts that of this machine
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # RFC 9113, 3.4, and empty SETTINGS
SETTINGS = 4  # type of the frame with which a server begins
LONGEST = 60  # characters of a folder below which Ray's sockets still have names of 107
QUIET: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}


def connect(address: str | None) -> None:
    """Join a running cluster, or start one on this machine; InputError where no cluster answers, within seconds."""
    # Workers import from the folder that Ray was started in before any other: what lies in the user's, such as a
    # search.py, must not stand for ours.
    with chdir(HOME):
        if address:
            _join(address)
        else:
            _start()


def _start() -> None:
    """Without the address "local" Ray would join any cluster that /tmp/ray or RAY_ADDRESS of this machine names."""
    folder = Path(get_default_ray_temp_dir())
    allowed = f"RAY_TMPDIR: a folder of at most {LONGEST} characters that you may write to"
    if len(str(folder)) > LONGEST + len("/ray"):
        raise InputError(f"Ray's folder: received {folder}, too long for the names of its sockets; allowed: {allowed}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _own():
            ray.init(
                "local",
                include_dashboard=False,
                object_store_memory=128 * 2**20,
                _node_ip_address=LOOPBACK,
                _system_config={"gcs_rpc_server_reconnect_timeout_s": GCS_SECONDS},
                **QUIET,
            )
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        where = error.filename or folder
        raise InputError(f"Ray's folder: received {where}: {error.strerror}; allowed: {allowed}") from None
    except Exception as error:  # Ray has no kind of its own for it
        if "timed out during startup" not in str(error):
            raise
        raise InputError(
            "Ray: received no answer from its own processes, as on a machine that is very busy; allowed: the same "
            "command again, or --executor inline"
        ) from None


@contextmanager
def _own() -> Iterator[None]:
    """The surroundings in which Ray's processes start: nothing beyond loopback, a token of their own, no dashboard.

    `include_dashboard=False` leaves out its pages, not its process, for which ray.init waits (Ray's pull request 26042:
    it counts usage). Ray goes on without it where it cannot be started, which is what it is told here.
    """
    set_here = {ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0"}
    if "RAY_AUTH_TOKEN" not in os.environ and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        set_here["RAY_AUTH_TOKEN"] = TOKEN
    before = {name: os.environ.get(name) for name in (*set_here, "RAY_AUTH_MODE")}
    clusters, dashboard = ray_constants.ENABLE_RAY_CLUSTER, services.start_api_server
    os.environ.update(set_here)
    ray_constants.ENABLE_RAY_CLUSTER = False
    services.start_api_server = lambda *_, **__: (None, None)
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER, services.start_api_server = clusters, dashboard
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _join(address: str) -> None:
    if "://" in address:
        raise InputError(f"--address: received {address!r}; allowed: auto, HOST:PORT")
    try:
        place = canonicalize_bootstrap_address(address)
        if place is None or not _answers(place):
            raise ConnectionError(f"nothing there speaks as Ray does within {ANSWER_SECONDS:g} s")
        ray.init(address=address, **QUIET)
    except (OSError, ValueError, RuntimeError, RayError) as error:
        if "authentic" in _whole(error).lower():
            raise InputError(
                f"--address: received {address!r}, whose cluster asks for a token that this process does not send; "
                "allowed: RAY_AUTH_MODE=token with the cluster's ~/.ray/auth_token, or its RAY_AUTH_TOKEN; see "
                "docs/cluster.md"
            ) from None
        reason = " ".join(str(error).split())
        raise InputError(
            f"--address: received {address!r}, no cluster answers ({reason}); allowed: auto, HOST:PORT"
        ) from None


def _answers(place: str) -> bool:
    """Whether something at HOST:PORT speaks HTTP/2, as Ray does. Ray itself would ask for up to 14 minutes."""
    host, _, port = place.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS) as line:
        line.sendall(HELLO)
        frame = line.recv(9)
    return len(frame) == 9 and frame[3] == SETTINGS


def _whole(error: BaseException | None) -> str:
    """An error's words and those of what caused it."""
    return "" if error is None else f"{type(error).__name__} {error} {_whole(error.__cause__)}"
