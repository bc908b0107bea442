"""Charts with one row per channel: contribution and ROI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis, readable_limit
from mmm_pipeline.reporting.charts.drawing.evidence import MARKS, bar_legend, dot_legend
from mmm_pipeline.reporting.charts.drawing.style import INK, MUTED, PALE
from mmm_pipeline.reporting.results.tables import records
from mmm_pipeline.reporting.text.names import isolated

__all__ = ["contribution", "roi"]


def contribution(context: ChartContext) -> Drawing:
    """KPI caused per channel, largest first, with intervals."""
    words, table = context.words, context.ordered
    page = style.new_page(
        style.row_height(len(table)),
        words("charts.contribution.title", kpi=context.kpi),
        words("charts.contribution.subtitle", interval=context.interval),
        bar_legend(context, table),
    )
    axes = style.row_axes(page, table["label"].tolist())
    rows = np.arange(len(table))
    colours = [MARKS[evidence].colour for evidence in table["evidence"]]
    axes.barh(rows, table["contribution"], height=0.62, color=colours)
    axes.hlines(rows, table["contribution_low"], table["contribution_high"], color=INK, linewidth=1.1)
    axes.axvline(0, color=PALE, linewidth=0.8)
    ends = table[["contribution", "contribution_high"]].max(axis=1).clip(lower=0)
    write = context.format
    for row, (end, (_, channel)) in enumerate(zip(ends, table.iterrows(), strict=True)):
        span = write.span(write.compact(channel["contribution_low"]), write.compact(channel["contribution_high"]))
        text = f"{write.compact(channel['contribution'])} ({span})"
        axes.annotate(text, (end, row), (4, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
    axes.set_xlim(right=1.27 * max(float(ends.max()), 1e-9))
    format_axis(axes, "x", context.format.compact)
    axes.set_xlabel(words("axis.kpi_window", kpi=context.kpi))
    first = table.iloc[0]
    return Drawing(
        page.figure,
        {
            "channel": isolated(context.found.channels[0].label),
            "value": context.prose.compact(first["contribution"]),
            "span": context.prose.span(
                context.prose.compact(first["contribution_low"]), context.prose.compact(first["contribution_high"])
            ),
        },
    )


def roi(context: ChartContext) -> Drawing:
    """ROI per channel with intervals against the line at 1; a very wide interval ends in an arrow."""
    words = context.words
    table = context.ordered.sort_values("roi", ascending=False, kind="stable", na_position="last")
    page = style.new_page(
        style.row_height(len(table)),
        words("charts.roi.title"),
        words("charts.roi.subtitle", interval=context.interval, kpi=context.kpi),
        dot_legend(context, table),
    )
    axes = style.row_axes(page, table["label"].tolist())
    limit = readable_limit(table["roi"], table["roi_high"])
    if context.has_break_even:
        axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    rows, middle = np.arange(len(table)), table["roi"].to_numpy(dtype=float)
    known = np.isfinite(middle)
    high = table["roi_high"].fillna(table["roi"]).to_numpy(dtype=float)
    low = table["roi_low"].fillna(table["roi"]).to_numpy(dtype=float)
    ends = np.minimum(np.fmax(high, middle), limit)
    for evidence, mark in MARKS.items():
        those = known & (table["evidence"] == evidence).to_numpy()
        axes.hlines(rows[those], low[those], ends[those], color=mark.colour, linewidth=2.6)
        axes.plot(np.minimum(middle[those], limit), rows[those], **mark.dot(6))
        beyond = those & (high > limit)
        if beyond.any():
            axes.plot(np.full(beyond.sum(), limit), rows[beyond], ">", color=mark.colour, markersize=5, clip_on=False)
    for row, channel in enumerate(records(table)):
        text = _estimate(context, channel) if known[row] else words("chart_text.no_spend")
        at = (ends[row] if known[row] else 0, row)
        axes.annotate(text, at, (6, 0), textcoords="offset points", va="center", fontsize=7.5, color=MUTED)
    axes.set_xlim(0, limit * 1.25)
    format_axis(axes, "x", context.format.tick)
    axes.set_xlabel(words("axis.roi", kpi=context.kpi))
    clear = sum(evidence == "pays_back" for evidence in table["evidence"])
    return Drawing(page.figure, {"clear": str(clear), "count": str(len(table))})


def _estimate(context: ChartContext, channel: Mapping[str, Any]) -> str:
    write = context.format
    span = write.span(write.figure(channel["roi_low"]), write.figure(channel["roi_high"]))
    return f"{write.figure(channel['roi'])} ({span})"
