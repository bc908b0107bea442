"""Which channels the data can hardly tell apart: how they move together, and how much that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmm_pipeline.mmm.eda.eda_findings import HIGH_VIF, MOVE_TOGETHER
from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GRID, INK, MUTED, RED, SKY

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["collinearity"]

_STEPS = (0.3, 0.5, 0.7, MOVE_TOGETHER)
"""Sizes of a correlation from which the next stronger colour is used."""
_STRENGTHS = (0.25, 0.45, 0.7, 1.0)
_WRITTEN_UP_TO = 12
"""Channels up to which every correlation is written into its cell."""


def collinearity(context: ChartContext) -> Drawing | None:
    """Correlation of the channels' daily media in the train window, relatives side by side; and each one's VIF."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words, write = context.words, context.format
    names, matrix = _correlations(context)
    if len(names) < 2:
        return None
    legend: list[tuple[Artist, str]] = [
        (Patch(color=style.face(BLUE, strength)), words("legend.correlation_from", value=write.tick(step)))
        for step, strength in zip(_STEPS, _STRENGTHS, strict=True)
    ]
    legend.append((Patch(color=style.face(RED, _STRENGTHS[-2])), words("legend.opposite")))
    legend.append((Line2D([], [], color=RED, linestyle=(0, (4, 2))), words("legend.vif_limit", value=int(HIGH_VIF))))
    page = style.new_page(
        style.row_height(len(names)) + 0.25,
        words("charts.collinearity.title"),
        words("charts.collinearity.subtitle"),
        legend,
        columns=6,
    )
    left, right = page.figure.subplots(1, 2, gridspec_kw={"width_ratios": (2.4, 1)})
    labels = [f"{number}  {context.profiled_labels[name]}" for number, name in enumerate(names, start=1)]
    style.row_axes(page, labels, left)
    _triangle(left, matrix, context)
    style.row_axes(page, [""] * len(names), right)
    inflation = {row["channel"]: row for row in context.profiled}
    vif = np.array(
        [np.inf if inflation[name]["is_linear_combination"] else inflation[name]["vif"] or np.nan for name in names]
    )
    _inflation(right, vif, context)
    below = matrix[np.tril_indices(len(names), k=-1)]
    silent = len(context.profiled) - len(names)
    return Drawing(
        page.figure,
        {
            "count": str(len(names)),
            "pairs": str(int((np.abs(below) >= MOVE_TOGETHER).sum())),
            "limit": context.prose.tick(MOVE_TOGETHER),
            "inflated": str(int((vif >= HIGH_VIF).sum())),
            "vif": str(int(HIGH_VIF)),
            "silent": str(silent),
        },
    )


def _correlations(context: ChartContext) -> tuple[list[str], np.ndarray]:
    """Channels that vary, relatives side by side, and their correlation matrix."""
    pairs = [row for row in context.tables.eda_profile.get("correlations", ()) if row["correlation"] is not None]
    varying = {row[key] for row in pairs for key in ("channel", "other_channel")}
    names = [row["channel"] for row in context.profiled if row["channel"] in varying]
    place = {name: position for position, name in enumerate(names)}
    matrix = np.eye(len(names))
    for row in pairs:
        first, second = place[row["channel"]], place[row["other_channel"]]
        matrix[first, second] = matrix[second, first] = row["correlation"]
    if len(names) > 2:
        order = _relatives_together(matrix)
        names, matrix = [names[position] for position in order], matrix[np.ix_(order, order)]
    return names, matrix


def _relatives_together(matrix: np.ndarray) -> list[int]:
    """Leaf order of average-linkage clustering by 1 - |r|, with neighbours as alike as the tree allows."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    distance = squareform(np.clip(1 - np.abs(matrix), 0, None), checks=False)
    return [int(leaf) for leaf in leaves_list(optimal_leaf_ordering(linkage(distance, "average"), distance))]


def _triangle(axes: Axes, matrix: np.ndarray, context: ChartContext) -> None:
    """The matrix below its diagonal, whose cells have the number of their channel; a dot on each close pair."""
    from matplotlib.colors import ListedColormap

    count = len(matrix)
    level = np.sign(matrix) * np.searchsorted(_STEPS, np.abs(matrix) + 1e-12)
    level[np.triu_indices(count)] = np.nan
    colours: list[Any] = [
        *(style.face(RED, strength) for strength in reversed(_STRENGTHS)),
        GRID,
        *(style.face(BLUE, strength) for strength in _STRENGTHS),
    ]
    edges, ends = np.arange(count + 1) - 0.5, len(_STEPS) + 0.5
    mesh = ListedColormap(colours)
    gap = 1.0 if count <= 20 else 0.5
    axes.pcolormesh(
        *(edges, edges, np.ma.masked_invalid(level)),
        cmap=mesh,
        vmin=-ends,
        vmax=ends,
        edgecolors="white",
        linewidth=gap,
    )
    size = 8.0 if count <= _WRITTEN_UP_TO else 7.0 if count <= 24 else 5.5
    for position in range(count):
        axes.text(position, position, str(position + 1), ha="center", va="center", fontsize=size, color=MUTED)
    for row, column in np.argwhere(np.tri(count, k=-1)).tolist():
        strong = abs(level[row, column]) >= len(_STEPS) - 1
        if count <= _WRITTEN_UP_TO:
            text = context.format.number(matrix[row, column], 2)
            axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color="white" if strong else INK)
        elif abs(level[row, column]) == len(_STEPS):
            axes.plot(column, row, "o", color="white", markersize=min(3.0, 70 / count))
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title(context.words("axis.correlation"), fontsize=8.5, loc="left", color=MUTED)


def _inflation(axes: Axes, vif: np.ndarray, context: ChartContext) -> None:
    """Bars from 1 on a scale that multiplies; one that is determined by the others goes on for ever."""
    finite = vif[np.isfinite(vif)]
    limit = 1.6 * max(2 * HIGH_VIF, float(finite.max()) if len(finite) else 0.0)
    for row, value in enumerate(vif):
        end = min(value, limit)
        axes.barh(row, end - 1, left=1, height=0.62, color=RED if value >= HIGH_VIF else SKY)
        text = context.format.figure(value) if np.isfinite(value) else context.words("chart_text.determined")
        axes.text(end * 1.04, row, text, va="center", fontsize=7.5, bbox={"facecolor": "white", "lw": 0, "pad": 0.5})
    axes.axvline(HIGH_VIF, color=RED, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_xscale("log")
    axes.set_xlim(1, limit * 4)
    ticks = [10**power for power in range(0, 1 + int(np.log10(limit)))]
    axes.set_xticks(ticks, [context.format.compact(tick) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.grid(axis="x", color=GRID)
    axes.set_title(context.words("axis.vif"), fontsize=8.5, loc="left", color=MUTED)
