"""A page in headless Chromium, driven by its DevTools: what it drew, said on its console and asked of the network."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--disable-extensions",
    "--remote-debugging-port=0", "--remote-allow-origins=*", "--hide-scrollbars",
)  # fmt: skip


def chromium() -> str:
    """The browser's path; the test is skipped where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found


class Page:
    """One tab. `problems`: console errors and exceptions; `requests`: every address it asked for."""

    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(address, timeout=60)
        self.number = 0
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.loaded = False
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]
            self._hear(message)

    def open(self, url: str, width: int = 1280, height: int = 900) -> None:
        """Go there and wait until everything has loaded."""
        self.loaded = False
        self.resize(width, height)
        self.call("Page.navigate", url=url)
        self.wait(lambda: self.loaded, f"{url} did not load")

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def evaluate(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, found: Any, problem: str, seconds: float = 60) -> None:
        """Until `found` (a function, or a script) is true."""
        end = time.monotonic() + seconds
        while not (found() if callable(found) else self.evaluate(found)):
            assert time.monotonic() < end, problem
            time.sleep(0.1)
            self.call("Runtime.evaluate", expression="0")  # hears what has happened meanwhile

    def picture(self, path: Path, *, whole: bool = False) -> None:
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def outside(self) -> list[str]:
        """Requests that would have left this machine."""
        local = ("file:", "data:", "blob:", "chrome:", "about:", "http://localhost:", "http://127.0.0.1:")
        return [r for r in self.requests if not r.startswith(local)]

    def _hear(self, message: dict[str, Any]) -> None:
        method, told = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(told["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            self.problems.append(json.dumps(told["args"])[:500])
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.problems.append(told["entry"]["text"] + " " + told["entry"].get("url", ""))


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A tab of a browser of its own, with an empty profile."""
    profile.mkdir(parents=True, exist_ok=True)
    command = [chromium(), *QUIET, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = next((s for s in process.stderr if "DevTools listening on" in s), "")
            assert line, "Chromium did not start"
            port = line.rsplit(":", 1)[1].split("/")[0]
            page = Page(_tab(port))
            try:
                yield page
            finally:
                page.socket.close()
        finally:
            process.terminate()


def _tab(port: str) -> str:
    """The DevTools address of the first tab, asked without any proxy."""
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
            tabs = [t for t in json.loads(answer.read()) if t["type"] == "page"]
        if tabs:
            return tabs[0]["webSocketDebuggerUrl"]
        time.sleep(0.1)
    raise AssertionError("Chromium has no tab")
