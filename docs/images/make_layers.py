"""Draw layers.png from the imports of the package: one box per folder, arrows to what it imports.

What a folder also reaches through another one is left out.

`python docs/images/make_layers.py`; mmm_pipeline_tests/test_architecture.py holds the direction of every arrow.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

PACKAGE = Path(__file__).parents[2] / "mmm_pipeline"
TARGET = Path(__file__).with_name("layers.png")
WIDTH, HEIGHT = 2.5, 0.78
ABOUT = {
    "cli": "the command mmm",
    "definitions": "what Dagster loads",
    "orchestration": "assets, checks, jobs",
    "operations": "scenario, backtest, advice",
    "reporting": "page, charts, texts",
    "engines": "other libraries",
    "ingestion": "files to model inputs",
    "storage": "home, files, warehouse",
    "tables": "contracts",
    "settings": "pipeline.yaml",
    "mmm": "the statistics",
}


def imports() -> dict[str, set[str]]:
    """Folder below the package -> folders that its modules import."""
    arrows: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        here = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mmm_pipeline."):
                arrows[here].add(str(node.module).split(".")[1])
    return {name: {other for other in arrows[name] if other in ABOUT and other != name} for name in ABOUT}


def nearest(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows that no longer way through other folders says already."""

    @cache
    def reached(name: str) -> frozenset[str]:
        return frozenset(arrows[name]).union(*(reached(below) for below in arrows[name]))

    return {name: below - frozenset().union(*(reached(other) for other in below)) for name, below in arrows.items()}


def floors(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Folders by the longest way down from each, lowest first."""

    @cache
    def floor(name: str) -> int:
        return 1 + max((floor(below) for below in arrows[name]), default=-1)

    found: dict[int, list[str]] = defaultdict(list)
    for name in arrows:
        found[floor(name)].append(name)
    return [sorted(found[number]) for number in sorted(found)]


def main() -> None:
    arrows = imports()
    rows = floors(arrows)
    figure, axes = plt.subplots(figsize=(8.6, 1.25 * len(rows)))
    places = {}
    for height, row in enumerate(rows):
        for position, name in enumerate(row):
            # Every second floor is shifted, so that an arrow that skips a floor passes between boxes.
            across = 3.4 * (position - (len(row) - 1) / 2) + (0.9 if height % 2 else -0.9) * (len(row) == 1)
            places[name] = (across, 1.55 * height)
    for name, below in nearest(arrows).items():
        for other in sorted(below):
            (x, y), (to_x, to_y) = places[name], places[other]
            axes.add_patch(
                FancyArrowPatch(
                    (x, y - HEIGHT / 2),
                    (to_x, to_y + HEIGHT / 2),
                    arrowstyle="-|>",
                    mutation_scale=9,
                    linewidth=0.9,
                    color="#8a94a3",
                    connectionstyle="arc3,rad=0.08",
                    zorder=1,
                )
            )
    for name, (x, y) in places.items():
        box = FancyBboxPatch(
            (x - WIDTH / 2, y - HEIGHT / 2),
            WIDTH,
            HEIGHT,
            boxstyle="round,pad=0.02,rounding_size=0.12",
            facecolor="#eef3fb",
            edgecolor="#33507a",
            zorder=2,
        )
        axes.add_patch(box)
        axes.text(x, y + 0.13, name, ha="center", va="center", fontsize=11, weight="bold", color="#1d2f4a", zorder=3)
        axes.text(x, y - 0.18, ABOUT[name], ha="center", va="center", fontsize=8, color="#33507a", zorder=3)
    axes.set_xlim(min(x for x, _ in places.values()) - 1.6, max(x for x, _ in places.values()) + 1.6)
    axes.set_ylim(-0.7, 1.55 * (len(rows) - 1) + 0.7)
    axes.axis("off")
    figure.savefig(TARGET, dpi=130, bbox_inches="tight", facecolor="white")
    print(TARGET)


if __name__ == "__main__":
    main()
