"""The report and TensorBoard as a browser shows them: drawn, silent, and asking nothing of the world."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Page, browser

from ensembles.report.write import SECTIONS, write_report
from trainable.describe import main as describe
from trainable.run import Run

pytestmark = pytest.mark.slow
OVERLAPS = """
[...document.querySelectorAll("section .part, .tile, nav a, h1, h2")].flatMap((a, i, all) => all.slice(i + 1)
  .filter(b => { const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
    return p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1; })
  .map(b => a.textContent.slice(0, 40) + " | " + b.textContent.slice(0, 40)))
"""


ALL_TEXT = """function deep(node) {
  return node.textContent + [...node.querySelectorAll("*")].map(e => e.shadowRoot ? deep(e.shadowRoot) : "").join("");
}"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path / "profile") as made:
        yield made


def check_page(page: Page, path: Path, sections: list[str]) -> None:
    for width in (1280, 800):
        page.open(path.as_uri(), width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OVERLAPS) == []
        images = page.evaluate("[...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.alt)")
        assert images == []
        for name in sections:
            drawn = f"document.querySelector('section#{name}').getBoundingClientRect().height > 60"
            assert page.evaluate(drawn), name
    assert page.problems == []
    assert page.outside() == []


A4 = 186, 273  # mm inside the margins
CUT = """(([width, height]) => [...document.querySelectorAll(".part")].filter(p => {
  const box = p.getBoundingClientRect();
  return box.height > height || p.scrollWidth > width + 1 || getComputedStyle(p).breakInside != "avoid"
    || getComputedStyle(p.parentNode).display != "block"; }).map(p => p.textContent.slice(0, 60)))"""


def check_print(page: Page, path: Path) -> None:
    """On paper every part fits a page, may not be broken, and shows what is folded away on the screen."""
    width, height = (round(mm / 25.4 * 96) for mm in A4)
    page.open(path.as_uri(), width)
    page.call("Emulation.setEmulatedMedia", media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(f"{CUT}([{width}, {height}])") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('details')].every(d => d.open)")


def test_report_is_drawn_at_both_widths(finished: Run, page: Page) -> None:
    check_page(page, write_report(finished.root), [*SECTIONS])
    assert page.evaluate("document.querySelectorAll('section .part img').length") > 20
    check_print(page, write_report(finished.root))


def test_configuration_is_copied_by_its_button(finished: Run, page: Page) -> None:
    page.open(write_report(finished.root).as_uri())
    page.evaluate("document.querySelector('#configurations details').open = true")
    page.evaluate("document.querySelector('#configurations button').click()")
    assert "def space(trial, data):" in page.evaluate("getSelection().toString()")


def test_described_data_are_drawn_at_both_widths(sample: Path, tmp_path: Path, page: Page) -> None:
    assert describe([str(sample), "--out", str(tmp_path), "--folds", "2"]) == 0
    check_page(page, tmp_path / "describe.html", ["classes", "numbers", "files", "duplicates", "folds", "photos"])
    check_print(page, tmp_path / "describe.html")


@pytest.fixture
def served(finished: Run, tmp_path: Path) -> Iterator[str]:
    """The address of a TensorBoard on the run."""
    log = tmp_path / "log.txt"
    command = [
        sys.executable,
        "-m",
        "tensorboard.main",
        "--logdir",
        str(finished.root),
        "--port",
        "0",
        "--host",
        "127.0.0.1",
    ]
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            end = time.monotonic() + 120
            while "http://" not in log.read_text():
                assert process.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.2)
            yield "http://" + log.read_text().split("http://", 1)[1].split()[0]
        finally:
            process.terminate()


def test_tensorboard_page_shows_the_run(served: str, page: Page, finished: Run) -> None:
    trials = [t.id for t in finished.trials()]
    page.open(served)
    page.wait("document.body.innerText.includes('TIME SERIES') || document.title == 'TensorBoard'", "no page")

    def ask(path: str, body: str = "") -> object:
        options = f", {{method: 'POST', body: {body!r}}}" if body else ""
        return page.evaluate(f"fetch('data/plugin/{path}'{options}).then(r => r.json())")

    def rows() -> list[dict]:
        states = [f"STATUS_{s}" for s in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]
        wanted = json.dumps({"allowedStatuses": states, "colParams": [], "startIndex": 0, "sliceSize": 100})
        return ask("hparams/session_groups", wanted)["sessionGroups"]  # type: ignore[index]

    page.wait(lambda: len(rows()) == len(trials), "HParams has not a row a trial", 120)
    scored = [r["name"] for r in rows() if any(m["name"]["tag"] == "oof_score" for m in r.get("metricValues", []))]
    assert sorted(n.split()[-1] for n in scored) == sorted(t.id for t in finished.trials() if t.finished)
    page.wait(lambda: bool(ask("projector/runs")), "no embeddings")
    page.open("about:blank")  # a new hash alone would load nothing
    page.open(served + "#hparams")
    page.wait(f"{ALL_TEXT} deep(document.body).includes('smoothing')", "HParams shows no parameters", 120)
    assert page.outside() == []
    assert page.problems == []
