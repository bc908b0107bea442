"""Does the KPI follow a channel's media, and after how many days?"""

from __future__ import annotations

import numpy as np

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, GRID, INK, SKY

__all__ = ["lagged_correlation"]

_BY_CHANCE = 0.9
"""Probability of the band that shows what chance alone does."""


def lagged_correlation(context: ChartContext) -> Drawing | None:
    """A panel per channel: correlation of the KPI with the media of 0, 1, ... days before, on one scale."""
    from matplotlib.patches import Patch
    from scipy.stats import norm

    words, write = context.words, context.format
    lines = _by_channel(context)
    if not lines:
        return None
    columns = style.panel_columns(len(lines))
    page = style.new_page(
        -(-len(lines) // columns) * (style.panel_height(columns) - 0.1),
        words("charts.lagged_correlation.title", kpi=context.kpi),
        words("charts.lagged_correlation.subtitle", kpi=context.kpi),
        [
            (Patch(color=SKY), words("legend.lag")),
            (Patch(color=BLUE), words("legend.strongest_lag")),
            (Patch(color=GRID), words("legend.by_chance", share=write.percent(_BY_CHANCE))),
        ],
    )
    limit = 1.1 * max(0.3, *(float(np.nanmax(np.abs(line))) for line in lines.values()))
    lags = np.arange(max(len(line) for line in lines.values()))
    # Of two unrelated series without memory, the correlation over n days has variance 1 / n.
    chance = norm.ppf((1 + _BY_CHANCE) / 2) / np.sqrt(np.maximum(context.tables.window.periods - lags, 3))
    outside = total = 0
    for position, (axes, (name, line)) in enumerate(
        zip(style.panels(page, len(lines), columns, gap=0.16, left=0.42), lines.items(), strict=True)
    ):
        strongest = int(np.nanargmax(np.abs(line)))
        axes.fill_between(lags, -chance, chance, color=GRID, linewidth=0, zorder=0)
        axes.bar(lags, line, width=0.7, color=[BLUE if lag == strongest else SKY for lag in lags])
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_ylim(-limit, limit)
        axes.set_xlim(-0.6, lags[-1] + 0.6)
        ticks = [lag for lag in (0, 7, 13) if lag <= lags[-1]]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        format_axis(axes, "y", write.tick, ticks=4)
        axes.tick_params(labelsize=7, labelleft=position % columns == 0)
        axes.grid(axis="x", visible=False)
        style.panel_title(axes, context.profiled_labels[name], columns)
        known = np.isfinite(line)
        outside += int((np.abs(line)[known] > chance[known]).sum())
        total += int(known.sum())
    return Drawing(
        page.figure,
        {
            "count": str(len(lines)),
            "outside": str(outside),
            "total": str(total),
            "share": context.prose.percent(outside / total),
            "by_chance": context.prose.percent(1 - _BY_CHANCE),
        },
    )


def _by_channel(context: ChartContext) -> dict[str, np.ndarray]:
    """(lags,) correlations of every channel that has any, largest spend first."""
    rows = context.tables.eda_profile.get("lagged_correlations", ())
    lines: dict[str, np.ndarray] = {}
    for channel in context.profiled:
        own = sorted((row for row in rows if row["channel"] == channel["channel"]), key=lambda row: row["lag"])
        line = np.array([np.nan if row["correlation"] is None else row["correlation"] for row in own], dtype=float)
        if np.isfinite(line).any():
            lines[channel["channel"]] = line
    return lines
