"""From the baseline, channel by channel, to the fitted KPI of the window."""

from __future__ import annotations

import numpy as np

from mmm_pipeline.reporting.charts.drawing import style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, format_axis
from mmm_pipeline.reporting.charts.drawing.style import BLUE, INK, MUTED, PALE, SKY

__all__ = ["waterfall"]

NAMED_STEPS = 14
"""Smaller steps are too thin to be seen on the scale of the whole; one step has them together."""


def waterfall(context: ChartContext) -> Drawing:
    """Baseline, the largest channels with intervals, all others together, and the total, which is their exact sum."""
    words, parts, write = context.words, context.tables.contribution_over_time, context.format
    totals = parts.groupby("component")["mean"].sum()
    baseline = float(parts.loc[parts["is_baseline"].astype(bool), "mean"].sum())
    sizes = {name: float(totals.get(name, 0.0)) for name in context.labels}
    ranked = sorted(sizes, key=lambda name: -abs(sizes[name]))
    # One channel more is as short as a step that says "others (1)".
    named = ranked if len(ranked) <= NAMED_STEPS + 1 else ranked[:NAMED_STEPS]
    rest = ranked[len(named) :]
    labels = [words("legend.baseline"), *(context.labels[name] for name in named)]
    steps = [baseline, *(sizes[name] for name in named)]
    if rest:
        labels.append(words("legend.other_channels", count=len(rest)))
        steps.append(sum(sizes[name] for name in rest))
    values = np.array(steps)
    ends = values.cumsum()
    page = style.new_page(
        style.row_height(len(labels) + 1),
        words("charts.waterfall.title", kpi=context.kpi),
        words("charts.waterfall.subtitle", interval=context.interval),
    )
    axes = style.row_axes(page, [*labels, words("legend.fitted_total")])
    rows = np.arange(len(values))
    colours = [PALE, *[BLUE] * len(named), *[SKY] * bool(rest), MUTED]
    axes.barh([*rows, len(values)], [*values, ends[-1]], left=[0, *ends[:-1], 0], height=0.62, color=colours)
    axes.vlines(ends, rows + 0.31, rows + 0.69, color=MUTED, linewidth=0.8)
    intervals = context.tables.attribution.set_index("channel").loc[named]
    starts, here = ends[: len(named)], rows[1 : len(named) + 1]
    highs = starts + intervals["contribution_high"].to_numpy(dtype=float)
    axes.hlines(here, starts + intervals["contribution_low"].to_numpy(dtype=float), highs, color=INK, linewidth=1)
    reach = np.array([*ends, ends[-1]])
    reach[here] = np.fmax(reach[here], highs)
    for row, value in enumerate([*values, ends[-1]]):
        share = f" · {write.percent(value / ends[-1])}" if ends[-1] else ""
        at = (max(reach[row], 0.0), row)
        axes.annotate(write.compact(value) + share, at, (4, 0), textcoords="offset points", va="center", fontsize=7.5)
    axes.set_xlim(min(0.0, ends.min()), 1.13 * max(reach.max(), 1e-9))
    format_axis(axes, "x", write.compact)
    axes.set_xlabel(words("axis.kpi_window", kpi=context.kpi))
    prose, media = context.prose, float(values[1:].sum())
    return Drawing(
        page.figure,
        {
            "media": prose.compact(media),
            "share": prose.percent(media / ends[-1]) if ends[-1] else "",
            "total": prose.compact(ends[-1]),
        },
    )
