"""The README's picture of what a search is worth at any deadline, from benchmarks/results/anytime.json.

Run:     python -m benchmarks.anytime_picture
Writes:  docs/pictures/anytime.png
"""

import json
from pathlib import Path
from typing import Any

from benchmarks.anytime import BASELINES, BUDGETS, RESULTS
from trainable.pictures.charts import BLUE, DASHES, GREEN, MARKERS, ORANGE, PALE, axes

OUT = Path(__file__).parents[1] / "docs" / "pictures" / "anytime.png"
ARMS = {
    "ours": ("foldvote --hours", BLUE),
    "recipe": ("one recipe, more seeds of it", ORANGE),
    "full_cv_random": ("random search, all folds", GREEN),
    "stock": ("Ray Tune: Optuna, ASHA", PALE),
}
assert tuple(ARMS) == ("ours", *BASELINES)


def main() -> None:
    held = json.loads((RESULTS / "anytime.json").read_text())
    cells = sorted({(place["table"], place["workers"]) for place in held["places"]})
    figure, panels = axes(1.0 + 2.6 * len(cells), 2.9, 1, len(cells))
    for panel, (name, workers) in zip(panels, cells, strict=True):
        draw(panel, [p for p in held["places"] if (p["table"], p["workers"]) == (name, workers)])
        panel.set_title(f"{name}, {workers} workers", fontsize=9)
        panel.set_xlabel("time, in trials' worth")
    panels[0].set_ylabel("test macro-F1 of the vote")
    figure.legend(*panels[0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=len(ARMS))
    figure.savefig(OUT, dpi=110)
    print(f"{OUT} {OUT.stat().st_size // 1000} kB")


def draw(panel: Any, places: list[dict[str, Any]]) -> None:
    """Where a mean score is of searches of which most had nothing complete, it is left out."""
    for (arm, (words, colour)), marker, dash in zip(ARMS.items(), MARKERS, DASHES, strict=False):
        known = [(p["budget"], p[arm]) for p in places if p[arm] > places[0]["ours"] / 2]
        panel.plot(*zip(*known, strict=True), dash, marker=marker, ms=4, color=colour, label=words)
    panel.set_xscale("log", base=2)
    panel.set_xticks(BUDGETS, [str(budget) for budget in BUDGETS])


if __name__ == "__main__":
    main()
