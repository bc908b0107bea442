"""ROI per channel as several engines see it, dot and interval side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis, readable_limit
from mmm_pipeline.reporting.charts.drawing.fonts import drawable
from mmm_pipeline.reporting.charts.drawing.style import INK, PALETTE, RED
from mmm_pipeline.reporting.results.tables import records
from mmm_pipeline.reporting.text.names import clean, shorten

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = ["engine_comparison"]

_SHAPES = "Dos^vPX*"
"""Engines are told apart by shape and, as far as it goes, by colour; red is for what they dispute."""
_COLOURS = (INK, *(colour for colour in PALETTE if colour != RED))
_ROW = 0.085  # inches per engine on top of a row's own height


def engine_comparison(context: ChartContext) -> Drawing | None:
    """One row a channel, one dot with its interval an engine; channels on which two contradict stand out."""
    from matplotlib.lines import Line2D

    words, table = context.words, context.tables.engine_comparison
    table = table[table["counts"].astype(bool)]
    if table.empty:
        return None
    engines = list(table[["engine", "title"]].drop_duplicates("engine").itertuples(index=False))
    looks = {
        engine.engine: (_SHAPES[i % len(_SHAPES)], _COLOURS[i % len(_COLOURS)]) for i, engine in enumerate(engines)
    }
    legend: list[tuple[Artist, str]] = [
        (
            Line2D(
                [], [], marker=looks[engine.engine][0], color=looks[engine.engine][1], markersize=4.5, linewidth=1.4
            ),
            shorten(drawable(clean(engine.title), context.fonts), 24),
        )
        for engine in engines
    ]
    channels = [name for name in context.labels if name in set(table["channel"])]
    page = style.new_page(
        style.row_height(len(channels)) + _ROW * len(engines) * max(len(channels), 3),
        words("charts.engine_comparison.title"),
        words("charts.engine_comparison.subtitle", interval=context.interval),
        legend,
        columns=5,
    )
    axes = style.row_axes(page, [context.labels[name] for name in channels])
    if context.has_break_even:
        axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    limit = readable_limit(table["roi"], table["roi_high"])
    lowest = min(float(np.nanmin(table["roi_low"].fillna(table["roi"]))), 0.0)
    least = max(lowest, -limit)  # one vast interval below zero must not flatten all others either
    offsets = np.linspace(-0.3, 0.3, len(engines)) if len(engines) > 1 else np.zeros(1)
    disputed = 0
    for row, name in enumerate(channels):
        own = {record["engine"]: record for record in records(table[table["channel"] == name])}
        for offset, engine in zip(offsets, engines, strict=True):
            record = own.get(engine.engine)
            if record is None:
                continue
            marker, colour = looks[engine.engine]
            at = row + offset
            if not np.isnan(record["roi_low"]):
                low, high = max(record["roi_low"], least), min(record["roi_high"], limit)
                axes.hlines(at, min(low, limit), max(high, least), color=colour, linewidth=1.4)
                if record["roi_high"] > limit:
                    axes.plot(1.02 * limit, at, ">", color=colour, markersize=3, clip_on=False)
                if record["roi_low"] < least:
                    axes.plot(least - 0.02 * limit, at, "<", color=colour, markersize=3, clip_on=False)
            axes.plot(float(np.clip(record["roi"], least, limit)), at, marker, color=colour, markersize=4)
        if next(iter(own.values()))["verdict"] == "disagree":
            disputed += 1
            label = axes.get_yticklabels()[row]
            label.set_fontweight("bold")
            label.set_color(RED)
    axes.set_xlim(1.04 * least, 1.04 * limit)
    for row in range(1, len(channels)):
        axes.axhline(row - 0.5, color=style.GRID, linewidth=0.8)
    format_axis(axes, "x", context.format.tick)
    axes.set_xlabel(words("axis.roi", kpi=context.kpi))
    values = {"engines": str(len(engines)), "disputed": str(disputed), "count": str(len(channels))}
    return Drawing(page.figure, values)
